"""The AsyncAPI document is valid, complete, and true of what is really sent."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from django.test import Client

from taskrealtime import actions, reminders
from taskrealtime.api.asyncapi import make_document
from taskrealtime.contract import commands, events
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
from taskrealtime.engine.wire import errors, protocol
from taskrealtime.engine.wire.errors import InvalidData
from tests.support.stacks import ROOT
from tests.support.world import World

pytestmark = pytest.mark.one_installation

SPECIFICATION = ROOT / "node_modules/@asyncapi/specs/schemas/3.0.0.json"
DOCUMENT = make_document(host="board.example", secure=True)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(reference: str) -> Any:
    value = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


@cache
def validator(message: str) -> jsonschema.Draft202012Validator:
    """Checks frames against the payload of a message, with formats."""
    payload = DOCUMENT["components"]["messages"][message]["payload"]
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(payload | {"components": DOCUMENT["components"]}, format_checker=formats)


def check(frame: str, message: str) -> None:
    validator(message).validate(json.loads(frame))


def test_it_is_valid_by_the_specifications_own_schema() -> None:
    assert SPECIFICATION.exists(), "run `make dev`"
    jsonschema.Draft7Validator(json.loads(SPECIFICATION.read_text())).validate(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 50
    for reference in found:
        assert resolve(reference), reference


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_event_is_documented() -> None:
    operations = DOCUMENT["operations"]
    received = {
        name.removeprefix("receive.") for name, operation in operations.items() if operation["action"] == "receive"
    }
    sent = {name.removeprefix("send.") for name, operation in operations.items() if operation["action"] == "send"}
    assert received == set(commands.CLIENT_EVENTS)
    assert sent == {*events.LOGGED_EVENTS, *events.EPHEMERAL_EVENTS, *events.CONNECTION_EVENTS, "pong"}
    listed = {reference.rpartition("/")[2] for reference in references(DOCUMENT["channels"])} - {"here"}
    assert listed == set(DOCUMENT["components"]["messages"])


def test_every_client_event_says_what_answers_it() -> None:
    for name in commands.CLIENT_EVENTS:
        answer, error = DOCUMENT["operations"][f"receive.{name}"]["reply"]["messages"]
        answered = resolve(resolve(answer["$ref"])["$ref"])["name"]
        assert answered == {"connect": "connected", "ping": "pong"}.get(name, "ack")
        assert error["$ref"].endswith("/error")


def test_every_change_takes_a_key() -> None:
    for name, command in commands.CLIENT_EVENTS.items():
        payload = DOCUMENT["components"]["messages"][f"client.{name}"]["payload"]
        assert ("key" in payload["properties"]) == (command in actions.ACTIONS)


def test_every_error_is_documented_with_what_follows() -> None:
    codes = DOCUMENT["x-error-codes"]
    assert set(codes) == {error.code for error in errors.all_errors()}
    closing = {str(details["closesWith"]) for details in codes.values() if "closesWith" in details}
    assert closing <= set(DOCUMENT["channels"]["socket"]["x-close-codes"])


def test_every_close_code_that_the_code_names_is_documented() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "taskrealtime").rglob("*.py"))
    named = set(re.findall(r"\b(?:Closed|disconnect)\((\d{4})\b", sources))
    assert {"1012", "4403", "4408"} <= named
    assert named <= set(DOCUMENT["channels"]["socket"]["x-close-codes"])


@pytest.mark.django_db(transaction=True)
def test_what_is_logged_is_as_described() -> None:
    world = World()
    owner, member = world.people["owner"], world.people["member"]
    world.task.assignee = member
    world.task.status = "review"
    world.task.due_at = datetime(2026, 1, 1, tzinfo=UTC)
    world.task.save()
    actions.perform(owner, commands.NewComment(task_id=world.task.pk, content="Hi"))
    assert reminders.remind() == 1
    listed = log.read(user_room(member.pk), since=0, limit=100)
    world.comment.content = "Better"
    world.comment.save()
    world.comment.delete()
    gone = world.new_task("Gone")
    gone.delete()
    gone.restore()
    actions.perform(owner, commands.ProjectUpdate(project_id=world.project.pk, name="Other"))
    actions.perform(owner, commands.MemberUpdate(project_id=world.project.pk, user_id=member.pk, role="viewer"))
    actions.perform(owner, commands.MemberRemove(project_id=world.project.pk, user_id=member.pk))
    outsider = world.people["outsider"]
    actions.perform(outsider, commands.MeUpdate(ask_first=True))
    actions.perform(owner, commands.MemberAdd(project_id=world.project.pk, username=outsider.username))
    asked = log.read(user_room(outsider.pk), since=0, limit=100)
    logged = [*listed, *asked, *log.read(world.project.room, since=0, limit=100)]
    for event in logged:
        check(event.frame, json.loads(event.frame)["event"])
    assert {json.loads(event.frame)["event"] for event in logged} == set(events.LOGGED_EVENTS) - events.LIVE_EVENTS
    assert {json.loads(event.frame)["event"] for event in listed} == set(events.NOTIFICATION_KINDS)


@pytest.mark.django_db(transaction=True)
def test_answers_and_errors_are_as_described() -> None:
    world = World()
    member = world.people["member"]
    task = {"task_id": world.task.pk}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("task_create", {"project_id": world.project.pk, "title": "New"}),
        ("task_update", {**task, "changes": {"title": "Other"}, "version": 1}),
        ("task_status_update", {**task, "status": "review"}),
        ("task_move", {**task, "status": "completed"}),
        ("new_comment", {**task, "content": "Hi"}),
        ("task_delete", task),
        ("task_restore", task),
        ("notifications_read", {"up_to": 1}),
    ]
    assert {name for name, _ in requests} == {
        name for name, command in commands.CLIENT_EVENTS.items() if command in actions.ACTIONS
    }
    for name, data in requests:
        check(json.dumps({"event": name, "data": data, "id": 1, "key": "k"}), f"client.{name}")
        command = protocol.parse(msgspec.json.encode(data), commands.CLIENT_EVENTS[name])
        for _ in range(2):
            answer = actions.perform(member, command, key=name)
            check(protocol.encode("ack", answer, id="a"), f"ack.{name}")
    for error in errors.all_errors():
        check(protocol.encode_error(error("No.", details=[1], retry_after=0.5), id=7), "error")
    check(protocol.encode_error(InvalidData.at("field", "No.")), "error")


def test_what_is_wrong_is_refused_by_the_schemas_too() -> None:
    for data in ({"title": "x"}, {"project_id": 1, "title": ""}, {"project_id": 1, "title": "x", "status": "done"}):
        with pytest.raises(jsonschema.ValidationError):
            check(json.dumps({"event": "task_create", "data": data}), "client.task_create")


def test_it_is_public_and_names_its_own_host(client: Client) -> None:
    answer = client.get("/api/asyncapi/", headers={"Host": "localhost:8000"})
    assert answer.status_code == 200
    assert answer.json()["servers"]["here"]["host"] == "localhost:8000"
    assert answer.json()["servers"]["here"]["protocol"] == "ws"
    assert answer.json()["operations"] == DOCUMENT["operations"]
