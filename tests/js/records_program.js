// @ts-check
/** Prints the tickets of a room as the client has them, at first and after each change: `node records_program.js url token room socket`. */

import { WebSocket } from 'ws';

import { TaskManagerWebSocket } from '../../static/js/client/index.js';

const [url, token, name, socket] = process.argv.slice(2);

/** Throws as browsers do where sockets are forbidden. */
class Forbidden {
  constructor() {
    throw new Error('blocked');
  }
}

const client = new TaskManagerWebSocket({ url, token, WebSocket: socket === 'live' ? WebSocket : Forbidden });
const room = client.room(name);
const tickets = room.records('helpdesk.ticket');
const print = () => console.log(JSON.stringify([...tickets.values()]));
await room.ready;
print();
room.on('change', print);
