"""Blanks what the log still says about tasks and comments that are gone, or that a reader may no longer see."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from taskrealtime import access
from taskrealtime.contract.room_names import project_room, user_of_room
from taskrealtime.engine.models import Event
from taskrealtime.models import Comment, Project, Task

#: The events that announce that content is gone.
DELETIONS = {"task_deleted", "comment_deleted"}
#: The fields that hold what users wrote.
CONTENT = {"title", "description", "content", "content_html"}
#: What the subjects of projects begin with, and the field that holds what users wrote of them and of their labels.
PROJECT, PROJECT_CONTENT = "project.", {"name"}


def subject_of(content: Task | Comment | Project) -> str:
    """Return what the log calls this task, comment or project (`Event.subject`)."""
    return f"{content.root()._meta.model_name}.{content.pk}"


def subjects_in(project: Project) -> list[str]:
    """Return the subjects of a project and of all its tasks, deleted ones too, and comments."""
    tasks = Task.all_objects.filter(project=project).order_by().values_list("pk", flat=True)
    comments = Comment.objects.filter(task__project=project).order_by().values_list("pk", flat=True)
    return [subject_of(project), *(f"task.{pk}" for pk in tasks), *(f"comment.{pk}" for pk in comments)]


class _About(msgspec.Struct):
    """The project that an event is about."""

    project_id: int | None = None


def redact(events: Sequence[Event]) -> dict[int, str]:
    """Return the data to show instead, with the texts empty and `redacted: true`.

    Of events whose task or comment was deleted since, and of those in users' rooms that are about projects which the
    user may no longer see.

    Returns:
        JSON text by event id, only for those that are blanked.
    """
    return {event.id: _blanked(event) for event in [*_of_deleted(events), *_of_hidden_projects(events)]}


def _of_deleted(events: Sequence[Event]) -> list[Event]:
    subjects = {event.subject for event in events if event.subject}
    gone = subjects - _present(subjects) if subjects else set()
    return [event for event in events if event.subject in gone]


def _of_hidden_projects(events: Sequence[Event]) -> list[Event]:
    about: dict[int, tuple[str, int]] = {}
    for event in events:
        if (user_id := user_of_room(event.room)) is not None:
            project_id = msgspec.json.decode(event.data, type=_About).project_id
            if project_id is not None:
                about[event.id] = (project_room(project_id), user_id)
    hidden = access.refuse_reading(set(about.values())) if about else {}
    return [event for event in events if about.get(event.id) in hidden]


def _present(subjects: Collection[str]) -> set[str]:
    tasks = [int(subject[5:]) for subject in subjects if subject.startswith("task.")]
    comments = [int(subject[8:]) for subject in subjects if subject.startswith("comment.")]
    projects = [int(subject[8:]) for subject in subjects if subject.startswith(PROJECT)]
    found: set[str] = set()
    if projects:
        found |= {f"{PROJECT}{pk}" for pk in Project.objects.filter(pk__in=projects).values_list("pk", flat=True)}
    if tasks:
        found |= {f"task.{pk}" for pk in Task.all_objects.kept().filter(pk__in=tasks).values_list("pk", flat=True)}
    if comments:
        living = Comment.objects.filter(pk__in=comments, task__deleted_at=None)
        found |= {f"comment.{pk}" for pk in living.values_list("pk", flat=True)}
    return found


def _content_of(event: Event) -> set[str]:
    """Return the names of the fields of its data that hold what users wrote."""
    return PROJECT_CONTENT if event.subject.startswith(PROJECT) else CONTENT


def _blanked(event: Event) -> str:
    value = _without(_content_of(event), msgspec.json.decode(event.data))
    value["redacted"] = True
    return msgspec.json.encode(value).decode()


def _without(content: set[str], value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name in content and isinstance(item, str) else _without(content, item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without(content, item) for item in value]
    return value


# --- Texts that were replaced ---------------------------------------------------------------


class _Text:
    """A text of the log's subject as the newest events have it, and as the one before which the next older is read."""

    def __init__(self, value: str, at: datetime) -> None:
        self.present = value
        self.value, self.since = value, at
        #: When `value` was replaced; None: it is the present one.
        self.until: datetime | None = None

    def go_back(self, value: str, at: datetime) -> None:
        """Take up the text of the next older event."""
        if value != self.value:
            self.value, self.until = value, self.since
        self.since = at


class ReplacedTexts:
    """Blanks what newer events of the same task, comment or project replaced (`domain.Blanker`)."""

    def __init__(self, before: datetime) -> None:
        self._before = before
        #: By the names of the fields, and for labels by their ids.
        self._texts: dict[str, _Text] = {}
        #: When the labels were listed that newer events have; None: none has any.
        self._labels_at: datetime | None = None
        self._content: set[str] = set()
        self.pending: datetime | None = None

    def blank(self, event: Event) -> str | None:
        """Return the data without texts that were replaced before the given moment; None if there are none."""
        data = msgspec.json.decode(event.data)
        self._content = _content_of(event)
        # First the present values of this event, by which what was before them is known.
        previous = data.pop("previous", None)
        is_changed = self._blank_present(data, event.at)
        if isinstance(previous, dict):
            is_changed |= self._blank_previous(previous, event.at)
            data["previous"] = previous
        if not is_changed:
            return None
        data["replaced"] = True
        return msgspec.json.encode(data).decode()

    def _blank_present(self, value: dict[str, Any], at: datetime) -> bool:
        is_changed = False
        for name, item in value.items():
            if isinstance(item, dict):
                is_changed |= self._blank_present(item, at)
            elif name in self._content and isinstance(item, str):
                is_changed |= self._blank_text(value, name, name, at)
        for label in _labels(value):
            key = f"label {label['id']}"
            if self._labels_at is not None and key not in self._texts:
                self._texts[key] = _Text("", self._labels_at)  # The newer list is without it.
            is_changed |= self._blank_text(label, "name", key, at)
        if "labels" in value:
            self._labels_at = at
        return is_changed

    def _blank_text(self, value: dict[str, Any], name: str, key: str, at: datetime) -> bool:
        item = value[name]
        text = self._texts.setdefault(key, _Text(item, at))
        text.go_back(item, at)
        if item == text.present or text.until is None or not self._is_due(text.until):
            return False
        value[name] = ""
        return bool(item != "")

    def _blank_previous(self, previous: dict[str, Any], at: datetime) -> bool:
        texts = [(previous, name, name) for name in self._content.intersection(previous)]
        texts += [(label, "name", f"label {label['id']}") for label in _labels(previous)]
        is_changed = False
        for value, name, key in texts:
            text = self._texts.get(key)
            if value[name] and (text is None or value[name] != text.present) and self._is_due(at):
                value[name], is_changed = "", True
        return is_changed

    def _is_due(self, replaced_at: datetime) -> bool:
        if replaced_at <= self._before:
            return True
        self.pending = min(self.pending or replaced_at, replaced_at)
        return False


def _labels(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the labels that a project's fields list; a task lists their ids."""
    return [label for label in value.get("labels", ()) if isinstance(label, dict)]
