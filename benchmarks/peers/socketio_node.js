// A room of Socket.IO on Node: `node socketio_node.js PORT`.
// As https://socket.io/docs/v4/server-initialization/ and https://socket.io/docs/v4/rooms/ have it.
import { Server } from "socket.io";

const io = new Server();

io.on("connection", (socket) => {
  socket.on("join", (room) => {
    socket.join(room);
    socket.emit("joined", room);
  });
  socket.on("publish", (data) => {
    io.to("room").emit("event", data);
  });
});

io.listen(Number(process.argv[2]));
