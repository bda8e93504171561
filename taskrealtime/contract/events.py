"""The catalogue of what the server says: one typed class per object and per event, described only here."""

from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from taskrealtime.engine.conf.user_model import ShownKey
from taskrealtime.engine.presence import attendance
from taskrealtime.engine.rooms.watching import ProcessFigures
from taskrealtime.engine.wire.catalogue import Connected as Connected
from taskrealtime.engine.wire.catalogue import RemovedFromRoom as RemovedFromRoom
from taskrealtime.engine.wire.catalogue import UserObject as UserObject

Status = Literal["todo", "in_progress", "review", "completed"]
Priority = Literal["low", "medium", "high", "urgent"]
Role = Literal["owner", "member", "viewer"]
#: The roles that a link may give.
InvitedRole = Literal["member", "viewer"]
#: What users are notified of; each can be switched off.
NotificationKind = Literal["task_assigned", "comment_added", "project_member_added", "due_date_reminder"]
Reason = Literal["mention", "assignee", "creator", "participant"]
ReminderKind = Literal["due_soon", "overdue"]
#: The texts of a task, beside its comments, that others see a user type in.
TypedField = Literal["title", "description"]
#: What a label may look like; how that is in light and dark, the pages say.
LabelColor = Literal["grey", "red", "orange", "yellow", "green", "teal", "blue", "purple"]
#: Of a user in a project: over several connections the strongest counts.
PresentStatus = attendance.Status
#: Of a user in a project; `offline` is sent once and then left out of lists.
PresenceStatus = PresentStatus | Literal["offline"]

STATUSES: tuple[Status, ...] = get_args(Status)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
ROLES: tuple[Role, ...] = get_args(Role)
INVITED_ROLES: tuple[InvitedRole, ...] = get_args(InvitedRole)
NOTIFICATION_KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)
REMINDER_KINDS: tuple[ReminderKind, ...] = get_args(ReminderKind)
LABEL_COLORS: tuple[LabelColor, ...] = get_args(LabelColor)


# --- Objects --------------------------------------------------------------------------------


class Actor(msgspec.Struct):
    """The user that did something."""

    id: ShownKey
    username: str


class LabelObject(msgspec.Struct):
    """A label of a project, which its tasks may carry."""

    #: Within its project, and never another label's.
    id: int
    name: str
    color: LabelColor


class ProjectObject(msgspec.Struct):
    """A project."""

    id: int
    name: str
    created_at: datetime
    #: In the order of their making; left out if there are none.
    labels: list[LabelObject] | UnsetType = UNSET


class MemberObject(msgspec.Struct):
    """A user's place in a project."""

    user: UserObject
    role: Role


class TaskObject(msgspec.Struct):
    """A task, as every interface shows it."""

    id: int
    project_id: int
    title: str
    description: str
    status: Status
    priority: Priority
    assignee_id: ShownKey | None
    due_at: datetime | None
    #: Sorts within a column, by code units.
    position: str
    comment_count: int
    created_by_id: ShownKey | None
    created_at: datetime
    updated_at: datetime
    #: 1, 2, 3, …: one more with every change; comments do not move it.
    version: int
    #: Ids of the project's labels, ascending; left out if there are none.
    labels: list[int] | UnsetType = UNSET


class CommentObject(msgspec.Struct):
    """A comment."""

    id: int
    task_id: int
    project_id: int
    #: Null once that user's account was deleted.
    author: UserObject | None
    content: str
    #: Markdown rendered and sanitised by the server.
    content_html: str
    created_at: datetime
    updated_at: datetime


class PresentUser(msgspec.Struct):
    """A user that is in a project now."""

    user_id: ShownKey
    status: PresentStatus


class TaskChanges(msgspec.Struct, omit_defaults=True):
    """Fields of a task with their values; only the ones that changed."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee_id: ShownKey | None | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    position: str | UnsetType = UNSET
    created_by_id: ShownKey | None | UnsetType = UNSET
    labels: list[int] | UnsetType = UNSET


class ProjectChanges(msgspec.Struct, omit_defaults=True):
    """Fields of a project with their values; only the ones that changed."""

    name: str | UnsetType = UNSET
    #: All of them.
    labels: list[LabelObject] | UnsetType = UNSET


# --- Events of the rooms of projects and users -----------------------------------------------


class LoggedData(msgspec.Struct, kw_only=True):
    """What every logged event's data has."""

    #: The event's name on the wire; empty for what several events have in common.
    event: ClassVar[str] = ""
    #: The user that did it; null for the system.
    by: Actor | None = None
    #: True if the content was deleted since, and is shown empty.
    redacted: Literal[True] | UnsetType = UNSET
    #: True if texts were edited away since, long enough ago, and are shown empty.
    replaced: Literal[True] | UnsetType = UNSET


class TaskCreated(LoggedData, kw_only=True):
    """A task is new on the board."""

    event = "task_created"
    task: TaskObject


class TaskRestored(LoggedData, kw_only=True):
    """A deleted or archived task is back, as it was."""

    event = "task_restored"
    task: TaskObject


class TaskUpdated(LoggedData, kw_only=True):
    """Fields of a task changed; `updated_at` is the event's `at`."""

    event = "task_updated"
    task_id: int
    project_id: int
    changes: TaskChanges
    #: The same fields' old values.
    previous: TaskChanges
    version: int


class TaskStatusChanged(LoggedData, kw_only=True):
    """Follows the `task_updated` that moved a task to another column."""

    event = "task_status_changed"
    task_id: int
    project_id: int
    old_status: Status
    new_status: Status
    version: int


class TaskAssigned(LoggedData, kw_only=True):
    """Follows the `task_updated` that changed a task's assignee, or removed it."""

    event = "task_assigned"
    task_id: int
    project_id: int
    title: str
    assignee_id: ShownKey | None
    previous_assignee_id: ShownKey | None
    version: int


class TaskDeleted(LoggedData, kw_only=True):
    """A task left the board; its comments go with it and are not announced one by one."""

    event = "task_deleted"
    task_id: int
    project_id: int
    #: True if it went to the archive: `task_restored` brings it back at any time.
    archived: Literal[True] | UnsetType = UNSET


class CommentAdded(LoggedData, kw_only=True):
    """A comment was added to a task: its `comment_count` is one more."""

    event = "comment_added"
    comment: CommentObject
    task_id: int
    project_id: int
    #: In the user room only: the first reason that fits why this user is notified.
    reason: Reason | UnsetType = UNSET
    #: True if it had been deleted, and is back as it was.
    restored: Literal[True] | UnsetType = UNSET


class CommentUpdated(LoggedData, kw_only=True):
    """A comment was edited."""

    event = "comment_updated"
    comment: CommentObject
    task_id: int
    project_id: int


class CommentDeleted(LoggedData, kw_only=True):
    """A comment was deleted: its task's `comment_count` is one less."""

    event = "comment_deleted"
    comment_id: int
    task_id: int
    project_id: int


class ProjectMemberAdded(LoggedData, kw_only=True):
    """A user joined the project."""

    event = "project_member_added"
    project_id: int
    user: UserObject
    role: Role
    #: True if the user had been removed, or the project deleted, and that was undone.
    restored: Literal[True] | UnsetType = UNSET


class ProjectMemberUpdated(LoggedData, kw_only=True):
    """A member has another role."""

    event = "project_member_updated"
    project_id: int
    user_id: ShownKey
    role: Role


class ProjectMemberRemoved(LoggedData, kw_only=True):
    """A user left the project, and receives nothing of it after this event."""

    event = "project_member_removed"
    project_id: int
    user_id: ShownKey


class ProjectUpdated(LoggedData, kw_only=True):
    """The project itself changed."""

    event = "project_updated"
    project_id: int
    changes: ProjectChanges
    #: The labels as they were; only if they changed.
    previous: ProjectChanges | UnsetType = UNSET


class ProjectName(msgspec.Struct):
    """A project, as shown to users that are not in it."""

    id: int
    name: str


class ProjectMemberRequested(LoggedData, kw_only=True):
    """An owner wants to add this user, whose consent is needed: sent to this user alone."""

    event = "project_member_requested"
    project: ProjectName
    role: Role


class DueDateReminder(LoggedData, kw_only=True):
    """A task is due soon, or overdue: to its assignee, or to its creator if there is none."""

    event = "due_date_reminder"
    task_id: int
    project_id: int
    title: str
    due_at: datetime
    kind: ReminderKind


# --- Of live models, in the room of whatever row -------------------------------------------------


class RecordData(LoggedData, kw_only=True):
    """What the events of a live model's rows have in common."""

    #: Such as `helpdesk.ticket`.
    model: str
    id: int | str
    #: The rest was too large for a frame: fetch the room's snapshot.
    truncated: Literal[True] | UnsetType = UNSET


class RecordCreated(RecordData, kw_only=True):
    """A row is new in the room: it was created, or moved there."""

    event = "record_created"
    #: The row as the room's snapshot has it: its `id`, and the fields that its project shows.
    record: dict[str, Any] | UnsetType = UNSET


class RecordUpdated(RecordData, kw_only=True):
    """Fields of a row changed."""

    event = "record_updated"
    changes: dict[str, Any] | UnsetType = UNSET
    #: The same fields' old values.
    previous: dict[str, Any] | UnsetType = UNSET


class RecordDeleted(RecordData, kw_only=True):
    """A row is gone from the room."""

    event = "record_deleted"
    #: It is still there, but in another room, in none, or no longer shown.
    moved: bool | UnsetType = UNSET


class ReaderRemoved(LoggedData, kw_only=True):
    """A user may no longer read the room; the last event that this user gets of it."""

    event = "reader_removed"
    user_id: ShownKey | None


#: Every logged event, by its name.
LOGGED_EVENTS: dict[str, type[LoggedData]] = {
    event.event: event for event in [*LoggedData.__subclasses__(), *RecordData.__subclasses__()] if event.event
}
#: Those of them that are about rows of live models.
LIVE_EVENTS: set[str] = {ReaderRemoved.event, *(event.event for event in RecordData.__subclasses__())}


# --- Ephemeral: of a room, but not logged, never replayed ----------------------------------------


class NotificationsWereRead(msgspec.Struct):
    """The user read notifications, here or in another tab or device."""

    up_to: int
    unread: int


class UserPresence(msgspec.Struct):
    """A user's presence in a project changed."""

    project_id: int
    user_id: ShownKey
    status: PresenceStatus
    #: Now, for those that are there.
    last_seen_at: datetime


class UsersPresence(msgspec.Struct):
    """The presence of several users in a project changed within a moment; its name is `user_presence`, too."""

    project_id: int
    users: list[UserPresence]


class UserTypingStatus(msgspec.Struct):
    """A user began or ended to type a comment, or in the field that is named; not sent to that user."""

    project_id: int
    task_id: int
    user: UserObject
    is_typing: bool
    field: TypedField | UnsetType = UNSET


class TaskViewers(msgspec.Struct):
    """The users that have a task's panel open now."""

    project_id: int
    task_id: int
    user_ids: list[ShownKey]


#: Every ephemeral event of a room, by its name, with the types that its data may have.
EPHEMERAL_EVENTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "user_presence": (UserPresence, UsersPresence),
    "user_typing_status": (UserTypingStatus,),
    "task_viewers": (TaskViewers,),
    "notifications_read": (NotificationsWereRead,),
}


# --- To one connection ----------------------------------------------------------------------


class RemovedFromProject(msgspec.Struct):
    """The membership ended or the project is gone; its room was left."""

    project_id: int


class GoingAway(msgspec.Struct):
    """The server is about to end, and closes with 1012."""

    #: Come back after so many milliseconds: another number for each client.
    reconnect_in_ms: int


class OpsProject(msgspec.Struct):
    """A project with users in it, as staff see it: users over all processes, and their connections that joined."""

    project_id: int
    name: str
    people: int
    connections: int


class OpsFigures(msgspec.Struct):
    """The server's figures, for staff that subscribed with `ops_watch`."""

    server_time: datetime
    #: The last report of each; `silent_for` grows once one is gone.
    processes: list[ProcessFigures]
    #: Those with most users, 50 at most.
    projects: list[OpsProject]


class OpsEnded(msgspec.Struct):
    """The user is no longer staff, and gets no more figures."""


class ErrorData(msgspec.Struct, omit_defaults=True):
    """What went wrong, for programs (`code`) and readers (`message`)."""

    code: str
    message: str
    details: object = None
    retry_after: float | None = None


#: Everything else that the server sends, by its name.
CONNECTION_EVENTS: dict[str, type[msgspec.Struct]] = {
    "connected": Connected,
    "removed_from_project": RemovedFromProject,
    "removed_from_room": RemovedFromRoom,
    "going_away": GoingAway,
    "ops_figures": OpsFigures,
    "ops_ended": OpsEnded,
    "error": ErrorData,
}
