"""The board's socket: a visible table from client event to handler."""

from typing import Any

import msgspec
from msgspec import UNSET

from taskrealtime import access, actions
from taskrealtime.contract import commands, events
from taskrealtime.contract.room_names import project_of_room, project_room
from taskrealtime.engine import log
from taskrealtime.engine.db.threads import in_reading_thread, in_writing_thread
from taskrealtime.engine.process import process
from taskrealtime.engine.rooms import watching
from taskrealtime.engine.sockets.rooms import Handler, RoomsConnection
from taskrealtime.engine.wire import protocol
from taskrealtime.serializers.objects import user_object


class TaskBoardConsumer(RoomsConnection):
    """One client of the board: in its user's room, and in those of the projects that it joins."""

    event_types = commands.CLIENT_EVENTS

    def set_up(self) -> None:
        """Start without rooms that were left."""
        super().set_up()
        #: Projects left whose end one of two has announced so far: their own room, and the user's. (Lists: sets would
        #: take four times the memory while they are empty, as they mostly are.)
        self._half_left: list[str] = []

    # -- what rooms call (`rooms.Listener`) --

    def unsubscribed(self, room: str) -> None:
        """Unsubscribe a connection whose membership ended, or whose room is gone."""
        if project_of_room(room) is not None:
            self._note_half_left(room)
        super().unsubscribed(room)

    def membership_ended(self, room: str) -> None:
        """Report the end of a membership, or of a project; if it is joined, `unsubscribed` comes sooner or later."""
        if room in self.subscriptions or room in self._half_left:
            self._note_half_left(room)
        else:
            self.send_removed(room)

    def _note_half_left(self, room: str) -> None:
        if room in self._half_left:
            self._half_left.remove(room)
        else:
            self._half_left.append(room)

    def send_removed(self, room: str) -> None:
        """Name a project by its id."""
        project_id = project_of_room(room)
        if project_id is None:
            super().send_removed(room)
        else:
            self.send_event("removed_from_project", events.RemovedFromProject(project_id=project_id))

    def watch_ended(self) -> None:
        """Report that the user is no longer staff (`watching.Watcher`)."""
        self.send_event("ops_ended", events.OpsEnded())

    async def change(self, command: Any, envelope: protocol.Envelope) -> None:
        """Carry out a change."""
        key = None if envelope.key is UNSET else envelope.key
        answer = await in_writing_thread(self.user_id, actions.perform, self.user, command, key=key)
        if isinstance(command, commands.NewComment):
            process().typists.stop(self.session, place=command.task_id)
        self.acknowledge(answer, envelope.id)

    # -- rooms --

    async def prepare_room(self, room: str, state: log.ResumeState) -> None:
        """Read a project's presence; make another room that is not there yet."""
        if project_of_room(room) is not None:
            await process().presence.open(room)
        else:
            await super().prepare_room(room, state)

    def leave_everything(self) -> None:
        """Leave all rooms, and stop typing."""
        super().leave_everything()
        if self.identity is not None:
            process().typists.stop(self.session)

    def left_room(self, room: str, *, at_once: bool = False) -> None:
        """Remove the user from the room's presence; `at_once`: without the moment in which a client may come back."""
        process().typists.stop(self.session, room=room)
        process().presence.leave(room, self, at_once=at_once)

    # -- handlers --

    async def join_project(self, command: commands.JoinProject, envelope: protocol.Envelope) -> None:
        """Subscribe to a project: first what was missed since, then everything."""
        room = project_room(command.project_id)
        state, begin = await self.join(room, command.since, command.epoch)
        # From here to the answer nothing is awaited: what changes later is sent after it, and not before.
        present, viewers = process().presence.enter(room, self)
        answer = commands.ProjectJoined(
            project_id=command.project_id,
            room=room,
            seq=state.end.offset,
            epoch=state.end.epoch,
            reset=state.reset,
            presence=[events.PresentUser(user_id, status) for user_id, status in present],
        )
        self.acknowledge(answer, envelope.id)
        self.outbox.put(viewers)
        if begin is not None:
            begin()

    async def leave_project(self, command: commands.LeaveProject, envelope: protocol.Envelope) -> None:
        """Unsubscribe from a project."""
        self.leave(project_room(command.project_id))
        self.acknowledge(commands.ProjectAnswer(project_id=command.project_id), envelope.id)

    async def presence_update(self, command: commands.PresenceUpdate, envelope: protocol.Envelope) -> None:
        """Publish whether the user is here, busy or away."""
        process().presence.set_status(self, command.status)
        self.acknowledge(commands.PresenceUpdated(status=command.status), envelope.id)

    async def user_typing(self, command: commands.UserTyping, envelope: protocol.Envelope) -> None:
        """Publish to all other users that the user types."""
        task = await in_reading_thread(self.share, access.find_task_to_type_at, self.user, command.task_id)
        if not self.is_ending:
            process().typists.set_typing(
                project_room(task.project_id),
                task.pk,
                msgspec.to_builtins(user_object(self.user)),
                connection=self.session,
                is_typing=command.is_typing,
                subject="" if command.field is UNSET else command.field,
            )
        self.acknowledge(commands.Answer(), envelope.id)

    async def task_viewing(self, command: commands.TaskViewing, envelope: protocol.Envelope) -> None:
        """Publish which task the user looks at."""
        if command.task_id is None:
            process().presence.view(self, None)
        else:
            task = await in_reading_thread(self.share, access.find_task, self.user, command.task_id)
            process().presence.view(self, project_room(task.project_id), task.pk)
        self.acknowledge(commands.Answer(), envelope.id)

    async def ops_watch(self, command: commands.OpsWatch, envelope: protocol.Envelope) -> None:
        """Send staff the server's figures, or no longer."""
        await in_reading_thread(self.share, access.require_staff, self.user)
        self.acknowledge(commands.OpsWatched(watching=command.watching, every=watching.REPORT_SECONDS), envelope.id)
        if command.watching and not self.is_ending:
            process().watch.enter(self)
        else:
            process().watch.leave(self)


#: What concerns the connection itself. Every other client event is a change: `actions.ACTIONS` has it.
CONNECTION_HANDLERS: dict[type[commands.Command], Handler] = {
    **RoomsConnection.handlers,
    commands.JoinProject: TaskBoardConsumer.join_project,
    commands.LeaveProject: TaskBoardConsumer.leave_project,
    commands.PresenceUpdate: TaskBoardConsumer.presence_update,
    commands.UserTyping: TaskBoardConsumer.user_typing,
    commands.TaskViewing: TaskBoardConsumer.task_viewing,
    commands.OpsWatch: TaskBoardConsumer.ops_watch,
}
TaskBoardConsumer.handlers = CONNECTION_HANDLERS
