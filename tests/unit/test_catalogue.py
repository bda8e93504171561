"""The catalogue guards itself: code, client, AsyncAPI document and documentation name the same things."""

import json
import re
import subprocess
from functools import cache
from typing import Any, get_args

import msgspec
import pytest

from taskrealtime import actions
from taskrealtime.api import asyncapi
from taskrealtime.contract import commands, events
from taskrealtime.engine.presence.attendance import STATUSES
from taskrealtime.engine.wire import errors
from taskrealtime.models import Membership, Task
from taskrealtime.sockets.consumer import CONNECTION_HANDLERS
from tests.support.stacks import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()
#: Frames that answer or report, whose data has no class of its own in the catalogue.
ANSWERS = {"ack", "pong"}
ERROR_CODES = {error.code for error in errors.all_errors()}


def section(title: str) -> str:
    """One section of docs/protocol.md."""
    [text] = re.findall(rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def names(text: str) -> list[str]:
    """What stands there in code font."""
    return re.findall(r"`([a-z_]+)`", text)


def rows(title: str) -> dict[str, list[str]]:
    """The tables of a section: by each name of the first column, the further cells of its first row."""
    found: dict[str, list[str]] = {}
    for line in section(title).splitlines():
        first, *others = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| `"):
            for name in names(first):
                found.setdefault(name, others)
    return found


@cache
def client_constants() -> dict[str, Any]:
    """What static/js/client/events.js exports."""
    script = "import * as c from './static/js/client/events.js'; console.log(JSON.stringify(c))"
    command = ["node", "--input-type=module", "-e", script]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    constants: dict[str, Any] = json.loads(result.stdout)
    return constants


def fields(type: type[msgspec.Struct], *without: str) -> set[str]:
    return set(type.__struct_fields__) - set(without)


# --- Names ----------------------------------------------------------------------------------


def test_every_client_event_has_one_handler() -> None:
    served = {command for command in actions.ACTIONS if command.event} | set(CONNECTION_HANDLERS)
    assert served == set(commands.CLIENT_EVENTS.values())
    assert not set(actions.ACTIONS) & set(CONNECTION_HANDLERS)


def test_the_page_lists_the_client_events() -> None:
    assert set(rows("Client → server")) == set(commands.CLIENT_EVENTS)


def test_the_page_lists_the_server_events() -> None:
    assert set(rows("Server → client")) == set(events.LOGGED_EVENTS)
    documented = set(names(section("Server → client")))
    assert set(events.EPHEMERAL_EVENTS) | set(events.CONNECTION_EVENTS) | ANSWERS <= documented


def test_the_client_knows_the_events() -> None:
    constants = client_constants()
    assert set(constants["CLIENT_EVENTS"]) == set(commands.CLIENT_EVENTS)
    served = set(events.LOGGED_EVENTS) | set(events.EPHEMERAL_EVENTS) | set(events.CONNECTION_EVENTS) | ANSWERS
    assert set(constants["SERVER_EVENTS"]) == served


def test_error_codes_are_the_same_everywhere() -> None:
    codes = set(rows("Errors")) & ERROR_CODES
    assert codes == ERROR_CODES == set(client_constants()["ERROR_CODES"])
    assert set(asyncapi.make_document(host="h", secure=True)["x-error-codes"]) == ERROR_CODES


def test_close_codes_are_the_same_everywhere() -> None:
    page = {int(code) for code in re.findall(r"^\| (\d{4}) \|", section("Errors"), re.MULTILINE)}
    assert page >= set(asyncapi.CLOSE_CODES)
    assert set(client_constants()["CLOSE_CODES"]) <= page


def test_choices_are_the_same_everywhere() -> None:
    constants = client_constants()
    assert tuple(constants["STATUSES"]) == events.STATUSES == choices(Task, "status")
    assert tuple(constants["PRIORITIES"]) == events.PRIORITIES == choices(Task, "priority")
    assert choices(Membership, "role") == events.ROLES
    assert re.search(r"`color` is one of (.*?)\)", PAGE)[1] == ", ".join(f"`{value}`" for value in events.LABEL_COLORS)  # type: ignore[index]
    [task] = re.findall(r"^- task: (.*?)^- member", section("Objects"), re.MULTILINE | re.DOTALL)
    assert re.search(r"`status` \((.*?)\)", task)[1] == ", ".join(f"`{value}`" for value in events.STATUSES)  # type: ignore[index]
    assert re.search(r"`priority` \((.*?)\)", task)[1] == ", ".join(f"`{value}`" for value in events.PRIORITIES)  # type: ignore[index]


def choices(model: Any, field: str) -> tuple[str, ...]:
    return tuple(value for value, _ in model._meta.get_field(field).choices)


def test_the_asyncapi_document_has_every_message() -> None:
    messages = set(asyncapi.make_document(host="h", secure=True)["components"]["messages"])
    assert {f"client.{name}" for name in commands.CLIENT_EVENTS} <= messages
    assert set(events.LOGGED_EVENTS) | set(events.EPHEMERAL_EVENTS) <= messages
    assert set(events.CONNECTION_EVENTS) | {"pong"} <= messages


# --- Fields ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in commands.CLIENT_EVENTS if name != "ping"])
def test_the_page_lists_what_a_client_sends_and_gets(name: str) -> None:
    sent, answered = rows("Client → server")[name]
    type = commands.CLIENT_EVENTS[name]
    listed = set(names(sent)) - set(STATUSES) | (writable() if "writable task field" in sent else set())
    assert listed - {"changes"} | (fields(type) & {"changes"}) >= fields(type)
    if "changes" in listed:
        assert fields(commands.TaskEdit) == listed - (fields(type) - {"changes"}) - {"changes"}
    assert fields(type) | fields(commands.TaskEdit) >= listed - {"changes"}
    if type in actions.ACTIONS:
        assert set(names(answered)) == fields(actions.ACTIONS[type].answer, "duplicate")


@pytest.mark.parametrize("name", events.LOGGED_EVENTS)
def test_the_page_lists_what_an_event_carries(name: str) -> None:
    [data] = rows("Server → client")[name]
    # What a user's copy has more stands in that table.
    listed = names(re.sub(r"\([^)]*\)", "", data))
    assert set(listed) == fields(events.LOGGED_EVENTS[name], "by", "redacted", "replaced", "reason")


def test_the_page_lists_the_notifications_and_their_reasons() -> None:
    copies = section("Server → client").partition("Logged in the user room")[2].partition("All only to")[0]
    documented = re.findall(r"^\| `(\w+)`", copies, re.MULTILINE)
    assert tuple(documented) == events.NOTIFICATION_KINDS == commands.Wanted.__struct_fields__
    [reasons] = re.findall(r"fits of (.*?);", copies)
    assert tuple(names(str(reasons))) == get_args(events.Reason)
    assert set(events.REMINDER_KINDS) <= set(names(copies))


@pytest.mark.parametrize("name", events.EPHEMERAL_EVENTS)
def test_the_page_lists_what_an_ephemeral_event_carries(name: str) -> None:
    documented = re.findall(rf"`{name}`[^`;(]*(?: gathered|) \((.*?)\)", section("Server → client"))
    assert documented
    assert fields(events.EPHEMERAL_EVENTS[name][0]) <= set(names(documented[0]))


@pytest.mark.parametrize(
    "name, type",
    [
        ("user", events.UserObject),
        ("project", events.ProjectObject),
        ("task", events.TaskObject),
        ("member", events.MemberObject),
        ("comment", events.CommentObject),
    ],
)
def test_the_page_lists_what_an_object_has(name: str, type: type[msgspec.Struct]) -> None:
    [text] = re.findall(rf"^- {name}: (.*?)(?=^- |\Z)", section("Objects"), re.MULTILINE | re.DOTALL)
    without_values = re.sub(r"\([^)]*\)", "", str(text))
    listed = names(without_values.partition("`/api/")[0].partition(" Writable:")[0])
    assert listed == list(type.__struct_fields__)


def test_the_page_lists_what_connected_contains() -> None:
    [data] = re.findall(r"`connected` \((.*?)\)", section("Server → client"), re.DOTALL)
    assert fields(events.Connected) <= set(names(str(data)))


def test_people_may_write_what_the_page_says() -> None:
    assert fields(commands.TaskFields) == writable()


def writable() -> set[str]:
    [text] = re.findall(r"^- task: .*?Writable: (.*?) \(", section("Objects"), re.MULTILINE | re.DOTALL)
    return set(re.split(r",\s*", str(text)))


def test_changes_hold_what_of_a_task_can_change() -> None:
    never = {"id", "project_id", "comment_count", "created_at", "updated_at", "version"}
    assert fields(events.TaskChanges) == fields(events.TaskObject) - never
    documented = {name for name in Task.TRACKED if name not in {"project_id", "deleted_at", "archived_at"}}
    assert fields(events.TaskChanges) == documented
