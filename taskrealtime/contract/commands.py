"""The catalogue of what a user can ask for: one typed class per client event or HTTP change, and its answer."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from taskrealtime.engine.conf.user_model import GivenKey, GivenName, ShownKey
from taskrealtime.engine.wire.catalogue import Answer as Answer
from taskrealtime.engine.wire.catalogue import Command as Command
from taskrealtime.engine.wire.catalogue import Connect as Connect
from taskrealtime.engine.wire.catalogue import JoinRoom as JoinRoom
from taskrealtime.engine.wire.catalogue import LeaveRoom as LeaveRoom
from taskrealtime.engine.wire.catalogue import Ping as Ping
from taskrealtime.engine.wire.catalogue import RoomAnswer as RoomAnswer
from taskrealtime.engine.wire.catalogue import RoomJoined as RoomJoined
from taskrealtime.engine.wire.catalogue import Seq as Seq
from taskrealtime.engine.wire.catalogue import Token as Token
from taskrealtime.engine.wire.catalogue import TokenRefresh as TokenRefresh
from taskrealtime.engine.wire.catalogue import TokenRefreshed as TokenRefreshed
from taskrealtime.engine.wire.protocol import BREAKS_LINE, HIDDEN, JOINS, MAX_INTEGER

from .events import InvitedRole, LabelColor, PresentStatus, PresentUser, Priority, Role, Status, TaskObject, TypedField

#: Any whole number that a column holds: 0 and less fit as well as others, and are no row's.
Id = Annotated[int, Meta(ge=-MAX_INTEGER - 1, le=MAX_INTEGER)]
Version = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(max_length=20_000)]
Content = Annotated[str, Meta(min_length=1, max_length=10_000)]
#: At least one character that can be seen; see `HIDDEN`.
_NAME = rf"[^{HIDDEN}]*[^\s{HIDDEN}{JOINS}][^{HIDDEN}]*"
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=rf"^{_NAME}$")]
_IN_LABELS = rf"[^{BREAKS_LINE}{HIDDEN}]*"
#: As `Name`, and on one line: it stands in a small chip.
LabelName = Annotated[
    str,
    Meta(min_length=1, max_length=40, pattern=rf"^{_IN_LABELS}[^\s{BREAKS_LINE}{HIDDEN}{JOINS}]{_IN_LABELS}$"),
]
#: Labels that a task carries at most.
MAX_CARRIED = 10
#: Labels of a task, in any order.
LabelIds = Annotated[list[Annotated[int, Meta(ge=1, le=MAX_INTEGER)]], Meta(max_length=MAX_CARRIED)]
Moment = Annotated[datetime, Meta(tz=True)]
#: A year at most.
Minutes = Annotated[int, Meta(ge=1, le=366 * 24 * 60)]
Hours = Annotated[float, Meta(ge=0, le=366 * 24)]


# --- About the connection -------------------------------------------------------------------


class JoinProject(Command, kw_only=True):
    """Subscribe to a project, from `since` on if it is given."""

    event = "join_project"
    slowness = 4
    project_id: Id
    since: Seq | None = None
    epoch: str | None = None


class LeaveProject(Command, kw_only=True):
    """Unsubscribe from a project."""

    event = "leave_project"
    project_id: Id


class PresenceUpdate(Command, kw_only=True):
    """Set the user's status at this connection; over all of the user's connections, busy beats online beats idle."""

    event = "presence_update"
    status: PresentStatus


class UserTyping(Command, kw_only=True):
    """Report that the user types here, still types, or no longer does; not renewed it ends after 6 s.

    Without a field it is a comment that is typed.
    """

    event = "user_typing"
    task_id: Id
    is_typing: bool
    field: TypedField | UnsetType = UNSET


class TaskViewing(Command, kw_only=True):
    """Set the task whose panel is open at this connection; null: none. Others see it while the project is joined."""

    event = "task_viewing"
    task_id: Id | None


class OpsWatch(Command, kw_only=True):
    """Subscribe staff to the server's figures, or unsubscribe them; for all others there is no such event."""

    event = "ops_watch"
    watching: bool


class ProjectJoined(Answer, kw_only=True):
    """Where the log stands; what was missed follows."""

    project_id: int
    room: str
    seq: int
    epoch: str
    reset: bool
    #: The users that are there, the caller among them.
    presence: list[PresentUser]


class ProjectAnswer(Answer, kw_only=True):
    """A project that something was done with."""

    project_id: int


class PresenceUpdated(Answer, kw_only=True):
    """The connection's status."""

    status: PresentStatus


class OpsWatched(Answer, kw_only=True):
    """Whether this connection gets the server's figures, and how often."""

    watching: bool
    #: Seconds between two reports.
    every: float


# --- Changes to tasks and comments ----------------------------------------------------------


class TaskFields(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The writable fields of a task; only the ones that are given."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: GivenKey | None | UnsetType = UNSET
    due_at: Moment | None | UnsetType = UNSET
    labels: LabelIds | UnsetType = UNSET


class TaskEdit(TaskFields, kw_only=True, omit_defaults=True):
    """What can be changed of a task: its fields; and single labels, whatever other users do to the rest of them."""

    #: Onto those that it carries, or onto `labels`; one that was deleted meanwhile falls away.
    add_labels: LabelIds | UnsetType = UNSET
    #: After the others were added.
    remove_labels: LabelIds | UnsetType = UNSET


class TaskCreate(Command, kw_only=True, omit_defaults=True):
    """Create a task at the end of its column."""

    event = "task_create"
    project_id: Id
    title: Title
    description: Description | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: GivenKey | None | UnsetType = UNSET
    due_at: Moment | None | UnsetType = UNSET
    labels: LabelIds | UnsetType = UNSET


class TaskUpdate(Command, kw_only=True, omit_defaults=True):
    """Change fields of a task; `version` is the one that the user was looking at."""

    event = "task_update"
    task_id: Id
    changes: TaskEdit
    version: Version | None = None


class TaskStatusUpdate(Command, kw_only=True, omit_defaults=True):
    """Move a task to another column, keeping its position."""

    event = "task_status_update"
    task_id: Id
    status: Status
    version: Version | None = None


class TaskMove(Command, kw_only=True, omit_defaults=True):
    """Put a task before or after another one of a column, or at the column's end."""

    event = "task_move"
    task_id: Id
    status: Status | UnsetType = UNSET
    before_id: Id | None = None
    after_id: Id | None = None
    #: Where to put it if `before_id` has left that column: after this one, or with null at the top; if this one has
    #: left, too, at the end. Not given: the move is refused then.
    or_after_id: Id | None | UnsetType = UNSET
    #: Whether the answer shall say where the move found the task.
    tell_previous: bool = False


class TaskDelete(Command, kw_only=True):
    """Take a task off the board; it can be restored for a while."""

    event = "task_delete"
    task_id: Id


class TaskRestore(Command, kw_only=True):
    """Bring a deleted or archived task back."""

    event = "task_restore"
    task_id: Id


class TaskArchive(Command, kw_only=True):
    """Put a completed task into the archive: off the board, and kept until it is brought back."""

    task_id: Id


class CompletedArchive(Command, kw_only=True):
    """Put completed tasks of a project into the archive, so many at a time."""

    slowness = 6
    project_id: Id


class NewComment(Command, kw_only=True):
    """Comment on a task."""

    event = "new_comment"
    slowness = 6
    task_id: Id
    content: Content


class CommentUpdate(Command, kw_only=True):
    """Change a comment of the caller's own."""

    comment_id: Id
    content: Content
    #: What the caller changed: where the comment says something else by now, the answer is `conflict`.
    previous_content: Content | UnsetType = UNSET


class CommentDelete(Command, kw_only=True):
    """Delete a comment of the caller's own, or as an owner any comment."""

    comment_id: Id


class CommentRestore(Command, kw_only=True):
    """Bring a deleted comment back."""

    comment_id: Id


class CommentPurge(Command, kw_only=True):
    """Delete a deleted comment for good."""

    comment_id: Id


class TaskAnswer(Answer, kw_only=True):
    """The task as it is now."""

    task: TaskObject
    #: Set if a repeated key asks for a task that was deleted since: its texts are empty.
    redacted: bool | UnsetType = UNSET


class TaskVersion(Answer, kw_only=True):
    """The task's new version."""

    task_id: int
    project_id: int
    version: int
    #: Of `add_labels`, those that the task did not carry before; only if some were asked for.
    added_labels: list[int] | UnsetType = UNSET
    #: Of `remove_labels`, likewise, those that it carried.
    removed_labels: list[int] | UnsetType = UNSET


class TaskStatusAnswer(Answer, kw_only=True):
    """The task's column and new version."""

    task_id: int
    project_id: int
    status: Status
    version: int


class TaskPlace(msgspec.Struct):
    """Where a task stands."""

    status: Status
    position: str


class TaskMoved(Answer, kw_only=True):
    """Where the task is now."""

    task_id: int
    project_id: int
    status: Status
    position: str
    version: int
    #: Where the move found it: the same place if there was nothing to move. Only if that was asked for.
    previous: TaskPlace | UnsetType = UNSET


class TaskGone(Answer, kw_only=True):
    """The task that was deleted."""

    task_id: int
    project_id: int


class Archived(Answer, kw_only=True):
    """How many tasks went to the archive, and whether there are more to put there."""

    archived: int
    more: bool


class CommentAnswer(Answer, kw_only=True):
    """The comment that something was done with."""

    comment_id: int
    task_id: int
    project_id: int


# --- Changes to projects and members --------------------------------------------------------


class ProjectCreate(Command, kw_only=True):
    """Create a project, owned by the caller."""

    name: Name


class ProjectUpdate(Command, kw_only=True):
    """Rename a project."""

    project_id: Id
    name: Name


class ProjectDelete(Command, kw_only=True):
    """Delete a project with all that is in it."""

    project_id: Id


class ProjectRestore(Command, kw_only=True):
    """Bring a deleted project back, with all that is in it and its members."""

    project_id: Id


class ProjectPurge(Command, kw_only=True):
    """Delete a deleted project for good."""

    project_id: Id


class LabelCreate(Command, kw_only=True):
    """Create a label for the project's tasks."""

    project_id: Id
    name: LabelName
    color: LabelColor


class LabelUpdate(Command, kw_only=True, omit_defaults=True):
    """Rename a label, or give it another colour, on all tasks that carry it."""

    project_id: Id
    label_id: Id
    name: LabelName | UnsetType = UNSET
    color: LabelColor | UnsetType = UNSET


class LabelDelete(Command, kw_only=True):
    """Delete a label, from all tasks, too."""

    project_id: Id
    label_id: Id


class LabelRestore(Command, kw_only=True):
    """Bring a deleted label back, with an id of its own, on the tasks that carried it."""

    project_id: Id
    label_id: Id


class LabelPurge(Command, kw_only=True):
    """Delete a deleted label for good."""

    project_id: Id
    label_id: Id


class LabelAnswer(Answer, kw_only=True):
    """The label that something was done with."""

    project_id: int
    label_id: int


class MemberAdd(Command, kw_only=True):
    """Add a user to a project. Slower, since it reveals which names exist."""

    slowness = 6
    project_id: Id
    username: GivenName
    role: Role = "member"


class MemberUpdate(Command, kw_only=True):
    """Give a member another role."""

    project_id: Id
    user_id: GivenKey
    role: Role


class MemberRemove(Command, kw_only=True, omit_defaults=True):
    """Remove a member; members may remove themselves."""

    project_id: Id
    user_id: GivenKey
    #: For the caller's own membership: the user that gave it, or made the caller an owner, cannot add the caller again.
    block: bool = False


class MemberRestore(Command, kw_only=True):
    """Bring a removed member back, with the tasks that became unassigned."""

    project_id: Id
    user_id: GivenKey


class ProjectHandOver(Command, kw_only=True):
    """Make a member an owner, and then stay one, step down or leave: all of it, or nothing."""

    project_id: Id
    user_id: GivenKey
    then: Literal["stay", "member", "viewer", "leave"] = "stay"


class MemberAnswer(Answer, kw_only=True):
    """The member that something was done with."""

    project_id: int
    user_id: ShownKey
    #: True if the user wants to be asked first: the user becomes a member by accepting.
    requested: Literal[True] | UnsetType = UNSET


class RequestAccept(Command, kw_only=True):
    """Join a project to which an owner wants to add the caller."""

    project_id: Id


class RequestDecline(Command, kw_only=True):
    """Decline to join a project to which an owner wants to add the caller."""

    project_id: Id
    #: The owner that asked cannot add the caller again, nor ask.
    block: bool = False


class BlockRemove(Command, kw_only=True):
    """Let a user add the caller again."""

    user_id: GivenKey


class BlockAnswer(Answer, kw_only=True):
    """The user that was blocked."""

    user_id: ShownKey


class InvitationCreate(Command, kw_only=True):
    """Create a link by which users join a project."""

    slowness = 6
    takes_key = False
    project_id: Id
    role: InvitedRole = "member"
    #: Up to 90 days.
    expires_in_hours: Annotated[int, Meta(ge=1, le=90 * 24)] = 7 * 24
    #: How many users may join by it; null: any number.
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class InvitationRevoke(Command, kw_only=True):
    """End a link: it can no longer be used to join."""

    project_id: Id
    invitation_id: Id


class InvitationAccept(Command, kw_only=True):
    """Join the project that a link leads to; an existing member keeps the role."""

    slowness = 6
    #: Made of the link's secret by the view: the secret goes no further.
    secret_hash: str


class InvitationMade(Answer, kw_only=True):
    """The new link's number, and its secret, which is shown only here."""

    invitation_id: int
    secret: str


class InvitationAnswer(Answer, kw_only=True):
    """The invitation that something was done with."""

    invitation_id: int


# --- The caller's notifications and preferences ---------------------------------------------


class NotificationsRead(Command, kw_only=True):
    """Mark all notifications up to this one as read; the mark never goes back."""

    event = "notifications_read"
    up_to: Seq


class ReminderSnooze(Command, kw_only=True):
    """Have a reminder come again after so many minutes, once, if it still fits then."""

    seq: Id
    minutes: Minutes


class Wanted(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which kinds of notifications are wanted; only the ones that are given."""

    task_assigned: bool | UnsetType = UNSET
    comment_added: bool | UnsetType = UNSET
    project_member_added: bool | UnsetType = UNSET
    due_date_reminder: bool | UnsetType = UNSET


class MeUpdate(Command, kw_only=True, omit_defaults=True):
    """Change what is given of the caller's name and preferences, and leave the rest."""

    #: Empty: the username is shown.
    name: Annotated[str, Meta(max_length=150, pattern=rf"^({_NAME}|\s*)$")] | UnsetType = UNSET
    #: An IANA name, such as `Europe/Berlin`.
    timezone: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    #: Null: the server's default.
    remind_before_hours: Hours | None | UnsetType = UNSET
    notify: Wanted | UnsetType = UNSET
    #: Whether additions to projects wait for the caller's consent.
    ask_first: bool | UnsetType = UNSET
    #: For a lost password, shown to no other user; empty: none. A change over HTTP asks for the present password.
    email: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    #: All of them: what is not named is no longer muted.
    muted_projects: Annotated[list[Id], Meta(max_length=10_000)] | UnsetType = UNSET


class Unread(Answer, kw_only=True):
    """How many notifications are unread."""

    unread: int


class Snoozed(Answer, kw_only=True):
    """When the reminder comes again."""

    seq: int
    remind_at: datetime


class MeAnswer(Answer, kw_only=True):
    """Whose preferences were changed."""

    user_id: ShownKey


#: Every client event, by its name.
CLIENT_EVENTS: dict[str, type[Command]] = {
    command.event: command for command in Command.__subclasses__() if command.event
}
