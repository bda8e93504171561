"""Boards as a client holds them: read from the database, or an old one carried on by the log's events.

`replay` is a second opinion beside the board's own reducer (`static/js/board/reducer.js`, here as `BoardScript`):
it trusts nothing and checks every event against what it holds.
"""

import json
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from taskrealtime.announcing.redaction import CONTENT
from taskrealtime.contract.events import LOGGED_EVENTS
from taskrealtime.contract.room_names import project_room
from taskrealtime.engine import log
from taskrealtime.models import Comment, Membership, Project, Task
from taskrealtime.serializers.objects import comment_object, member_object, project_object, shown_task_object
from tests.support.stacks import ROOT

#: `{project, members, tasks, seq, epoch}` as `/api/projects/<id>/board/` gives it, and `comments`: of each task's
#: id all of its comments, or None where a client would have to ask for them again.
Board = dict[str, Any]
Frame = dict[str, Any]

PAGE = 1000


def read_board(project_id: int) -> Board:
    """The board of this moment, with the number of the last event that it contains."""
    snapshot = log.snapshot(project_room(project_id), lambda: _read_state(project_id))
    state: Board = msgspec.json.decode(msgspec.json.encode(snapshot.state))
    comments: dict[int, list[Any]] = {task["id"]: [] for task in state["tasks"]}
    for comment in state["comments"]:
        comments[comment["task_id"]].append(comment)
    seq, epoch = snapshot.position
    return state | {"comments": comments, "seq": seq, "epoch": epoch}


def _read_state(project_id: int) -> dict[str, Any]:
    tasks = Task.objects.filter(project_id=project_id).with_comment_count().select_related("project")
    members = Membership.objects.filter(project_id=project_id).select_related("user")
    comments = Comment.objects.filter(task__project_id=project_id, task__deleted_at=None, task__archived_at=None)
    return {
        "project": project_object(Project.objects.get(pk=project_id)),
        "members": [member_object(member) for member in members.order_by("user_id")],
        "tasks": [shown_task_object(task) for task in tasks.order_by("position", "id")],
        "comments": [comment_object(comment) for comment in comments.select_related("task", "author").order_by("id")],
    }


def read_frames(project_id: int, since: int) -> list[Frame]:
    """Every frame of the log after `since`, each checked against the catalogue."""
    frames: list[Frame] = []
    while page := log.read(project_room(project_id), since=since, limit=PAGE):
        frames += [checked_frame(event.frame) for event in page]
        since = page[-1].seq
    return frames


class LoggedFrame(msgspec.Struct, forbid_unknown_fields=True):
    """The envelope of a logged event: these fields, no others."""

    event: str
    room: str
    seq: int
    at: str
    data: msgspec.Raw


def checked_frame(text: str) -> Frame:
    """The frame, after it was found to be of a declared type with nothing missing and nothing undeclared."""
    envelope = msgspec.json.decode(text, type=LoggedFrame)
    typed = msgspec.json.decode(envelope.data, type=LOGGED_EVENTS[envelope.event])
    frame: Frame = json.loads(text)
    assert msgspec.to_builtins(typed) == frame["data"]
    assert envelope.at.endswith("Z")
    return frame


# --- The second opinion ---------------------------------------------------------------------


def replay(board: Board, frames: Iterable[Frame]) -> Board:
    """The board after these frames.

    Raises:
        AssertionError, KeyError: a frame does not follow from what is held: a gap, an unknown task, a `previous`
            that was not so, a version that is not the next one.
    """
    held = _Held(board)
    for frame in frames:
        assert frame["seq"] == held.seq + 1, f"{frame['seq']} follows {held.seq}"
        assert frame["room"] == project_room(held.project["id"])
        getattr(held, frame["event"])(frame["data"], frame["at"])
        held.seq = frame["seq"]
    return held.board() | {"epoch": board["epoch"]}


class _Held:
    """What a client holds of a project. A method for every event, by its name."""

    def __init__(self, board: Board) -> None:
        self.project: dict[str, Any] = dict(board["project"])
        self.members = {member["user"]["id"]: member for member in board["members"]}
        self.tasks = {task["id"]: task for task in board["tasks"]}
        self.comments = {id: _by_id(comments) for id, comments in board["comments"].items()}
        self.seq: int = board["seq"]
        #: Tasks as they were before their last update.
        self.earlier: dict[int, dict[str, Any]] = {}

    def board(self) -> Board:
        return {
            "project": self.project,
            "members": [self.members[id] for id in sorted(self.members)],
            "tasks": sorted(map(self._labelled, self.tasks.values()), key=lambda task: (task["position"], task["id"])),
            "comments": {id: _in_order(comments) for id, comments in self.comments.items()},
            "seq": self.seq,
        }

    def _labelled(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task with those labels alone that the project has."""
        there = {label["id"] for label in self.project.get("labels", [])}
        return _without_empty(task | {"labels": [label for label in task.get("labels", []) if label in there]})

    def task_created(self, data: Any, at: str) -> None:
        task = data["task"]
        assert task["id"] not in self.tasks
        assert task["project_id"] == self.project["id"]
        assert task["updated_at"] == at
        self.tasks[task["id"]] = task
        # One that came from elsewhere, or back, brings comments that had no event here.
        self.comments[task["id"]] = {} if task["comment_count"] == 0 else None

    task_restored = task_created

    def task_updated(self, data: Any, at: str) -> None:
        task = self.tasks[data["task_id"]]
        changes, previous = data["changes"], data["previous"]
        assert changes
        # Code that wrote past the ORM announces new values only.
        assert previous.keys() in (changes.keys(), set())
        assert data["version"] == task["version"] + 1
        for name, value in previous.items():
            # Texts of what was deleted are blank, in this event or in an earlier one.
            blank = name in CONTENT and (data.get("redacted") or task[name] == "")
            assert value != changes[name] or blank, f"{name} did not change"
            if name == "labels":  # Deleted labels are in the event, and need not be held.
                assert self._labelled({name: value}) == self._labelled({name: task.get(name, [])})
            else:
                assert value == task[name] or blank, f"{name} was {task[name]!r}"
        self.earlier[task["id"]] = task
        self.tasks[task["id"]] = task | changes | {"version": data["version"], "updated_at": at}

    def task_status_changed(self, data: Any, at: str) -> None:
        changes, previous = {"status": data["new_status"]}, {"status": data["old_status"]}
        self._follow(data, at, changes, previous)

    def task_assigned(self, data: Any, at: str) -> None:
        changes, previous = {"assignee_id": data["assignee_id"]}, {"assignee_id": data["previous_assignee_id"]}
        self._follow(data, at, changes, previous)
        assert self.tasks[data["task_id"]]["title"] == data["title"] or data.get("redacted")

    def _follow(self, data: Any, at: str, changes: Any, previous: Any) -> None:
        """It repeats the update before it, or comes alone, from code that wrote past the ORM."""
        task = self.tasks[data["task_id"]]
        if data["version"] == task["version"]:
            assert previous.items() <= self.earlier[task["id"]].items()
            assert (changes | {"updated_at": at}).items() <= task.items()
        else:
            self.task_updated(data | {"changes": changes, "previous": previous}, at)

    def task_deleted(self, data: Any, at: str) -> None:
        del self.tasks[data["task_id"]]
        del self.comments[data["task_id"]]

    def comment_added(self, data: Any, at: str) -> None:
        self._count(data["task_id"], 1)
        comment, comments = data["comment"], self.comments[data["task_id"]]
        assert (comment["task_id"], comment["project_id"]) == (data["task_id"], self.project["id"])
        if comments is not None:
            assert comment["id"] not in comments
            comments[comment["id"]] = comment

    def comment_updated(self, data: Any, at: str) -> None:
        comment, comments = data["comment"], self.comments[data["task_id"]]
        assert (comment["task_id"], comment["project_id"]) == (data["task_id"], self.project["id"])
        assert comment["updated_at"] == at
        if comments is not None:
            assert comments[comment["id"]] != comment or data.get("redacted")
            comments[comment["id"]] = comment

    def comment_deleted(self, data: Any, at: str) -> None:
        self._count(data["task_id"], -1)
        comments = self.comments[data["task_id"]]
        if comments is not None:
            del comments[data["comment_id"]]

    def _count(self, task_id: int, difference: int) -> None:
        task = self.tasks[task_id]
        self.tasks[task_id] = task | {"comment_count": task["comment_count"] + difference}

    def project_member_added(self, data: Any, at: str) -> None:
        assert data["user"]["id"] not in self.members
        self.members[data["user"]["id"]] = {"user": data["user"], "role": data["role"]}

    def project_member_updated(self, data: Any, at: str) -> None:
        member = self.members[data["user_id"]]
        assert member["role"] != data["role"]
        self.members[data["user_id"]] = member | {"role": data["role"]}

    def project_member_removed(self, data: Any, at: str) -> None:
        del self.members[data["user_id"]]

    def project_updated(self, data: Any, at: str) -> None:
        changes = data["changes"]
        assert any(value != self.project.get(name) for name, value in changes.items())
        assert data.get("previous", {}).get("labels") == (
            self.project.get("labels", []) if "labels" in changes else None
        )
        self.project = _without_empty(self.project | changes)


def _without_empty(labelled: dict[str, Any]) -> dict[str, Any]:
    """Labels are left out where there are none."""
    return {name: value for name, value in labelled.items() if name != "labels" or value}


def _by_id(comments: list[Any] | None) -> dict[int, Any] | None:
    return None if comments is None else {comment["id"]: comment for comment in comments}


def _in_order(comments: dict[int, Any] | None) -> list[Any] | None:
    return None if comments is None else [comments[id] for id in sorted(comments)]


def assert_same_board(ours: Board, fresh: Board) -> None:
    """`ours`, continued by events, equals the fresh one in everything that events carry."""
    unknown = {id for id, comments in ours["comments"].items() if comments is None}
    comments = {id: None if id in unknown else comments for id, comments in fresh["comments"].items()}
    assert ours == fresh | {"comments": comments}


# --- The board's own reducer ----------------------------------------------------------------


class BoardScript:
    """The reducer that the page uses, in a Node process of its own that reads one replay after another."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", "tests/js/replay.js"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def replay(self, board: Board, frames: Sequence[Frame]) -> Board:
        """The board after these frames, without `comments`, which the page fetches for itself."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        line = json.dumps({"snapshot": without_comments(board), "events": frames})
        self._node.stdin.write(line + "\n")
        self._node.stdin.flush()
        result: Board = json.loads(self._node.stdout.readline())
        return result

    def close(self) -> None:
        """End the process."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        assert self._node.wait(10) == 0
        self._node.stdout.close()


def without_comments(board: Board) -> Board:
    """The board as `/api/projects/<id>/board/` gives it."""
    return {name: value for name, value in board.items() if name != "comments"}
