"""What HTTP answers beyond the catalogue's objects: the same ones with something added, pages of them, tokens."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from taskrealtime.contract.commands import TaskPlace
from taskrealtime.contract.events import (
    CommentObject,
    InvitedRole,
    LabelColor,
    LabelObject,
    MemberObject,
    NotificationKind,
    ProjectName,
    ProjectObject,
    Role,
    Status,
    TaskObject,
    UserObject,
)
from taskrealtime.engine.conf.user_model import ShownKey
from taskrealtime.engine.http.rooms import LoggedFrame

#: True if the same `Idempotency-Key` came before: nothing was done again.
Duplicate = Literal[True] | UnsetType


class TokenPair(msgspec.Struct):
    """A short-lived token for requests and sockets, and one to get the next pair with, once."""

    access: str
    refresh: str


class SignInObject(msgspec.Struct):
    """A place where a user is signed in."""

    id: str
    #: In a browser, or by name and password at `/api/token/`.
    kind: Literal["browser", "token"]
    #: What the client says of itself.
    agent: str
    address: str | None
    created_at: datetime
    used_at: datetime
    #: Whether this request belongs to it.
    current: bool


class SignInList(msgspec.Struct):
    """The places where a user is signed in, the latest used first."""

    sessions: list[SignInObject]


class ProjectDetail(ProjectObject, kw_only=True):
    """A project, and the caller's role in it."""

    role: Role
    #: The user that added the caller, or made the caller an owner, without having asked; left out if none did.
    added_by: UserObject | UnsetType = UNSET
    duplicate: Duplicate = UNSET


class DeletedProject(msgspec.Struct):
    """A project that was deleted, and that the caller can restore."""

    id: int
    name: str
    deleted_at: datetime
    by: UserObject | None


class DeletedProjectList(msgspec.Struct):
    """The deleted projects that the caller owned, the last deleted first."""

    projects: list[DeletedProject]


class Deleted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that was deleted in a project, and that the caller can restore. It has what belongs to its kind."""

    kind: Literal["comment", "label", "member", "task"]
    deleted_at: datetime
    #: The user that deleted it; null: the system, or an account that is gone.
    by: UserObject | None
    #: Of a comment, label or task; of a member it is the user's.
    id: ShownKey
    task_id: int | UnsetType = UNSET
    #: Of a task, or of the one of a comment.
    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    author: UserObject | None | UnsetType = UNSET
    name: str | UnsetType = UNSET
    color: LabelColor | UnsetType = UNSET
    user: UserObject | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class DeletedList(msgspec.Struct):
    """The last hundred of what was deleted in a project and the caller can restore, the last deleted first."""

    deleted: list[Deleted]


class RequestObject(msgspec.Struct):
    """A project to which an owner wants to add the caller."""

    project: ProjectName
    role: Role
    asked_by: UserObject
    created_at: datetime


class RequestList(msgspec.Struct):
    """The requests that wait for the caller's answer, oldest first."""

    requests: list[RequestObject]


class BlockObject(msgspec.Struct):
    """A user that cannot add the caller to projects."""

    user: UserObject
    created_at: datetime


class BlockList(msgspec.Struct):
    """The users that cannot add the caller to projects, the first blocked first."""

    blocks: list[BlockObject]


class LabelDetail(LabelObject, kw_only=True):
    """A label."""

    duplicate: Duplicate = UNSET


class MemberDetail(MemberObject, kw_only=True):
    """A member."""

    duplicate: Duplicate = UNSET


class InvitationObject(msgspec.Struct):
    """A link by which users join a project; its secret was shown to its maker only."""

    id: int
    role: InvitedRole
    created_by: UserObject
    created_at: datetime
    expires_at: datetime
    #: How many users may join by it; null: any number.
    max_uses: int | None
    #: How many did.
    uses: int


class NewInvitation(InvitationObject, kw_only=True):
    """A new link, shown in full only here."""

    #: For the invited user: opened in a browser, or the part behind `#` sent to `/api/invitations/accept/`.
    url: str


class TaskDetail(TaskObject, kw_only=True):
    """A task, with its description as sanitised HTML."""

    description_html: str
    #: Only of one in the archive: since when.
    archived_at: datetime | UnsetType = UNSET
    #: Only after a change with `add_labels`: those of them that the task did not carry before.
    added_labels: list[int] | UnsetType = UNSET
    #: Likewise, of `remove_labels`, those that it carried.
    removed_labels: list[int] | UnsetType = UNSET
    #: Only after a move with `tell_previous`: where that found it.
    previous: TaskPlace | UnsetType = UNSET
    #: Only after a repeated key, if the task was deleted since: its texts are empty.
    redacted: bool | UnsetType = UNSET
    duplicate: Duplicate = UNSET


class CommentDetail(CommentObject, kw_only=True):
    """A comment."""

    duplicate: Duplicate = UNSET


class Board(msgspec.Struct):
    """The snapshot that `since` continues from: exactly the state after event `seq`."""

    project: ProjectObject
    members: list[MemberObject]
    tasks: list[TaskObject]
    seq: int
    epoch: str


class NotificationFrame(LoggedFrame, kw_only=True):
    """One of the own notifications: the event as the socket would send it, and whether it was read."""

    read: bool


class Page(msgspec.Struct):
    """One page of a list; `next` and `previous` are URLs."""

    count: int
    next: str | None
    previous: str | None


class ProjectPage(Page, kw_only=True):
    """One page of projects."""

    results: list[ProjectDetail]


class MemberPage(Page, kw_only=True):
    """One page of members."""

    results: list[MemberObject]


class InvitationPage(Page, kw_only=True):
    """One page of valid links."""

    results: list[InvitationObject]


class TaskPage(Page, kw_only=True):
    """One page of tasks."""

    results: list[TaskObject]


class CommentPage(Page, kw_only=True):
    """One page of comments."""

    results: list[CommentObject]


class FoundTask(msgspec.Struct, kw_only=True):
    """A task that a search found, in short."""

    id: int
    title: str
    status: Status
    updated_at: datetime
    #: Only of one in the archive: since when.
    archived_at: datetime | UnsetType = UNSET


class Span(msgspec.Struct):
    """A match in an excerpt, in characters (Unicode code points, from 0 on)."""

    start: int
    #: The one behind the last.
    end: int


class Match(msgspec.Struct, kw_only=True):
    """A place of a task that has words of a search."""

    where: Literal["title", "description", "comment"]
    #: Only of a comment.
    comment_id: int | UnsetType = UNSET
    #: One line around the first match, `…` where it is cut; of a title all of it.
    excerpt: str
    spans: list[Span]


class SearchHit(msgspec.Struct):
    """A task that has all words of a search, and where."""

    project: ProjectName
    task: FoundTask
    #: Each word in the first place that has it: the title, the description, the newest of the comments with it. None
    #: for a word that is the task's number.
    matches: list[Match]


class SearchPage(Page, kw_only=True):
    """One page of what a search found: at most the first thousand."""

    results: list[SearchHit]


class NotificationPage(Page, kw_only=True):
    """One page of the own notifications, newest first, and where the own room stood at that moment."""

    results: list[NotificationFrame]
    #: The room's last event: join or poll with this `seq` and `epoch` to go on from it.
    seq: int
    epoch: str
    unread: int


class Me(UserObject, kw_only=True):
    """The caller, with their preferences."""

    #: For a lost password; empty: none.
    email: str
    timezone: str
    remind_before_hours: float
    #: Kind of notification → whether it is wanted.
    notify: dict[NotificationKind, bool]
    #: Whether additions to projects wait for the user's consent.
    ask_first: bool
    #: The projects that the user wants no notifications about.
    muted_projects: list[int]
    duplicate: Duplicate = UNSET
