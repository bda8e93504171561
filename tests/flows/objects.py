"""The shapes of the protocol's objects, events and answers, letter by letter."""

from datetime import UTC, datetime
from typing import Any

#: Left out where there are none.
OPTIONAL = {"labels"}
USER = {"id", "username", "name"}
PROJECT = {"id", "name", "created_at"}
TASK = {
    "id", "project_id", "title", "description", "status", "priority", "assignee_id", "due_at", "position",
    "comment_count", "created_by_id", "created_at", "updated_at", "version",
}  # fmt: skip
MEMBER_KEYS = {"user", "role"}
COMMENT = {"id", "task_id", "project_id", "author", "content", "content_html", "created_at", "updated_at"}
STATUSES = ("todo", "in_progress", "review", "completed")
PRIORITIES = ("low", "medium", "high", "urgent")

#: What the data of each event of a project's room holds.
EVENTS: dict[str, set[str]] = {
    "task_created": {"task", "by"},
    "task_restored": {"task", "by"},
    "task_updated": {"task_id", "project_id", "changes", "previous", "version", "by"},
    "task_status_changed": {"task_id", "project_id", "old_status", "new_status", "version", "by"},
    "task_assigned": {"task_id", "project_id", "title", "assignee_id", "previous_assignee_id", "version", "by"},
    "task_deleted": {"task_id", "project_id", "by"},
    "comment_added": {"comment", "task_id", "project_id", "by"},
    "comment_updated": {"comment", "task_id", "project_id", "by"},
    "comment_deleted": {"comment_id", "task_id", "project_id", "by"},
    "project_member_added": {"project_id", "user", "role", "by"},
    "project_member_updated": {"project_id", "user_id", "role", "by"},
    "project_member_removed": {"project_id", "user_id", "by"},
    "project_updated": {"project_id", "changes", "by"},
}


def moment(text: str) -> datetime:
    """An ISO 8601 time in UTC."""
    assert isinstance(text, str)
    parsed = datetime.fromisoformat(text)
    assert parsed.utcoffset() == UTC.utcoffset(None), text
    return parsed


def check_user(user: Any) -> None:
    assert set(user) == USER
    assert (type(user["id"]), type(user["username"]), type(user["name"])) == (int, str, str)


def check_task(task: Any) -> None:
    assert set(task) - OPTIONAL == TASK
    assert task.get("labels", [1])  # never empty
    for name in ("id", "project_id", "comment_count", "version"):
        assert type(task[name]) is int, name
    for name in ("title", "description", "status", "priority", "position"):
        assert type(task[name]) is str, name
    assert task["status"] in STATUSES
    assert task["priority"] in PRIORITIES
    assert task["position"]
    for name in ("assignee_id", "created_by_id"):
        assert task[name] is None or type(task[name]) is int, name
    for name in ("created_at", "updated_at"):
        moment(task[name])
    if task["due_at"] is not None:
        moment(task["due_at"])


def check_comment(comment: Any) -> None:
    assert set(comment) == COMMENT
    if comment["author"] is not None:  # the account was deleted since
        check_user(comment["author"])
    moment(comment["created_at"])
    moment(comment["updated_at"])


def check_event(frame: dict[str, Any]) -> None:
    """A logged event of a project's room has these fields, all of them and no other."""
    assert set(frame) == {"event", "data", "room", "seq", "at"}, frame
    assert frame["room"].startswith("project.")
    assert type(frame["seq"]) is int
    moment(frame["at"])
    data = frame["data"]
    # Read from the log after its content was deleted, an event says so.
    more = {"redacted", "previous"} if "labels" in data.get("changes", ()) else {"redacted"}
    assert set(data) - more == EVENTS[frame["event"]] - more, frame
    assert data.get("redacted", True) is True
    if data["by"] is not None:
        assert set(data["by"]) == {"id", "username"}
    if "task" in data:
        check_task(data["task"])
    if "comment" in data:
        check_comment(data["comment"])
    if "user" in data:
        check_user(data["user"])
    if frame["event"] == "task_updated":
        assert set(data["changes"]) == set(data["previous"]) != set()
        assert not set(data["changes"]) & {"updated_at", "version", "comment_count", "id", "project_id", "created_at"}
