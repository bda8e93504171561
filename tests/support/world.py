"""A small populated world for tests of the HTTP API in this process: people of every role, one project."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.contract.events import DueDateReminder, LabelColor
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.auth import tokens
from taskrealtime.engine.log.numbering import number_waiting
from taskrealtime.models import Comment, Membership, Project, Task

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"
_handler = ClientHandler(enforce_csrf_checks=False)


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens within, so that many cases can begin with one world."""
    # No `atomic`, in which our own durable blocks would refuse to begin.
    savepoint = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(savepoint)


class Api:
    """JSON requests of one user (None: of no user), signed in by token."""

    def __init__(self, user: User | None, **headers: str) -> None:
        self.user = user
        self.headers = dict(headers)
        if user is not None:
            self.headers["Authorization"] = f"Bearer {tokens.make_access_token(user)}"
        self._client = Client(raise_request_exception=False)
        # Loading the middleware for each client took 25 ms, more than most requests: all share one handler.
        self._client.handler = _handler

    def __call__(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """A request; the answer has `status_code`, `json()`, `headers`."""
        given = self.headers | headers | ({} if key is None else {"Idempotency-Key": key})
        options: dict[str, Any] = {}
        if body is not None:
            text = body if isinstance(body, str | bytes) else msgspec.json.encode(body)
            options = {"data": text, "content_type": "application/json"}
        return self._client.generic(method, path, headers=given, **options)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        return self("POST", path, body, key=key)

    def patch(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        return self("PATCH", path, body, key=key)

    def delete(self, path: str, *, key: str | None = None) -> Any:
        return self("DELETE", path, key=key)


@dataclass
class World:
    """All users and objects, created through the same actions as in production."""

    people: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in ("owner", "member", "viewer", "outsider"):
            self.people[role] = User.objects.create_user(f"{role}{next(_numbers)}", password=PASSWORD)
        answer = actions.perform(self.people["owner"], commands.ProjectCreate(name="Apollo"))
        assert isinstance(answer, commands.ProjectAnswer)
        self.project = Project.objects.get(pk=answer.project_id)
        for role in ("member", "viewer"):
            Membership.objects.create(project=self.project, user=self.people[role], role=role)
        self.task = self.new_task("First")
        self.comment = self.new_comment("Hello")

    def new_task(self, title: str, **fields: Any) -> Task:
        """A task of the project, by the member unless another creator is named."""
        return Task.objects.create(project=self.project, title=title, **{"created_by": self.people["member"], **fields})

    def new_comment(self, content: str) -> Comment:
        """A comment on the task, by the member."""
        return Comment.objects.create(task=self.task, author=self.people["member"], content=content)

    @cached_property
    def reminder(self) -> int:
        """The number of the owner's reminder that the task is overdue."""
        due_at = datetime(2026, 1, 1, tzinfo=UTC)
        data = DueDateReminder(
            task_id=self.task.pk, project_id=self.project.pk, title="First", due_at=due_at, kind="overdue"
        )
        room = user_room(self.people["owner"].pk)
        with transaction.atomic():
            log.append(room=room, type=data.event, data=data, at=due_at)
        with transaction.atomic():
            number_waiting([room])
        return log.heads([room])[room]

    @cached_property
    def done(self) -> Task:
        """A completed task."""
        return self.new_task("Done", status="completed")

    @cached_property
    def label(self) -> int:
        """A label of the project, made by the owner."""
        return self.new_label("Bug")

    def new_label(self, name: str, color: LabelColor = "red") -> int:
        """The number of a new label of the project."""
        command = commands.LabelCreate(project_id=self.project.pk, name=name, color=color)
        made = actions.perform(self.people["owner"], command)
        assert isinstance(made, commands.LabelAnswer)
        return made.label_id

    @cached_property
    def invitation(self) -> tuple[int, str]:
        """The number and the secret of a link, made by the owner."""
        made = actions.perform(self.people["owner"], commands.InvitationCreate(project_id=self.project.pk))
        assert isinstance(made, commands.InvitationMade)
        return made.invitation_id, made.secret

    def name(self, role: str) -> str:
        """That person's username."""
        return self.people[role].username

    def api(self, role: str, **headers: str) -> Api:
        """Requests as the owner, member, viewer, outsider, or as `anonymous`."""
        return Api(self.people.get(role), **headers)

    def path(self, address: str) -> str:
        """An address of `taskrealtime.api.urls`, filled in with what is here; its user is the viewer.

        Its notification is a reminder of the owner's.
        """
        ids = {
            "project_id": self.project.pk,
            "task_id": self.task.pk,
            "comment_id": self.comment.pk,
            "user_id": self.people["viewer"].pk,
        }
        if "<id:seq>" in address:
            ids["seq"] = self.reminder
        if "<id:invitation_id>" in address:
            ids["invitation_id"] = self.invitation[0]
        if "<id:label_id>" in address:
            ids["label_id"] = self.label
        address = address.replace("<slug:mark>", "0" * 32).replace("<room:room>", self.project.room)
        for name, id in ids.items():
            address = address.replace(f"<id:{name}>", str(id)).replace(f"<user:{name}>", str(id))
        return f"/api/{address}"
