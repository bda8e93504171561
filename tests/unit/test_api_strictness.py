"""Whatever is sent, the answer is JSON with a fitting status: 4xx for what cannot be, never 500."""

import json
import logging
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from taskrealtime import access
from taskrealtime.engine.http.wire import MAX_BODY
from tests.support.profiles import examples
from tests.support.world import World
from tests.unit.test_api_access import RULES

pytestmark = pytest.mark.django_db


def refusal(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal in the one form of errors."""
    assert answer["Content-Type"] == "application/json", answer.content
    data = msgspec.json.decode(answer.content)
    assert set(data) <= {"code", "message", "details"}
    assert data["message"]
    if data["code"] == "invalid_data":
        assert all(set(detail) == {"field", "message"} for detail in data["details"])
    return answer.status_code, data["code"]


NOT_JSON_OBJECTS = [
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"1",
    b'{"title": NaN}',
    b'{"title": Infinity}',
    b"{'title': 'x'}",
    b'{"title": "\xff"}',
    b'{"\xff": 1}',
    b'{"title": "\\ud800"}',
    b'{"other": "\\ud800"}',
    b'{"title": "x"} {}',
    b"\xef\xbb\xbf{}",
    b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"title": ' + b'{"a":' * 30_000 + b"1" + b"}" * 30_000 + b"}",
    "{}".encode("utf-16"),
]


def test_what_is_no_json_object_is_an_invalid_message(world: World, subtests: pytest.Subtests) -> None:
    for body in NOT_JSON_OBJECTS:
        with subtests.test(repr(body[:20])):
            answer = world.api("member").patch(world.path("tasks/<id:task_id>/"), body)
            assert refusal(answer) == (400, "invalid_message")


def test_a_field_that_does_not_fit_is_named(world: World, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, object]] = [
        ("title", ""),
        ("title", "x" * 201),
        ("title", "a\0b"),
        ("title", 5),
        ("title", None),
        ("description", "x" * 20_001),
        ("description", "a\0b"),
        ("status", "done"),
        ("priority", None),
        ("assignee_id", 0),
        ("assignee_id", -1),
        ("assignee_id", 2**63),
        ("assignee_id", 10**400),
        ("assignee_id", 1.5),
        ("assignee_id", "1"),
        ("assignee_id", True),
        ("due_at", "tomorrow"),
        ("due_at", "2031-01-01"),
        ("due_at", "2031-01-01T00:00:00"),
        ("due_at", "10000-01-01T00:00:00Z"),
        ("due_at", 1e999),
        ("version", 0),
        ("version", "1"),
        ("version", 2**63),
    ]
    for field, value in cases:
        with subtests.test(f"{field}: {str(value)[:20]}"):
            raw = b'{"%s": 1e999}' % field.encode() if value == float("inf") else None
            body = raw or (f'{{"{field}": {value}}}' if isinstance(value, int) and value > 2**64 else {field: value})
            answer = world.api("member").patch(world.path("tasks/<id:task_id>/"), body)
            assert refusal(answer) == (400, "invalid_data")
            assert [detail["field"] for detail in answer.json()["details"]] == [field]


def test_blanks_are_characters_too(world: World) -> None:
    api = world.api("member")
    for blank in (" ", " \n\t", "\u2003" * 200):
        created = api.post("/api/tasks/", {"project_id": world.project.pk, "title": blank})
        assert (created.status_code, created.json()["title"]) == (201, blank)
        created = api.post(world.path("tasks/<id:task_id>/comments/"), {"content": blank})
        assert (created.status_code, created.json()["content"]) == (201, blank)


def test_a_whole_number_that_names_nothing_is_not_found(world: World) -> None:
    api = world.api("member")
    move = world.path("tasks/<id:task_id>/move/")
    for id in (0, -1, -(2**63)):
        assert refusal(api.post("/api/tasks/", {"project_id": id, "title": "x"})) == (404, "not_found")
        assert refusal(api.post(move, {"before_id": id})) == refusal(api.post(move, {"after_id": id}))
        assert api.get(f"/api/tasks/?project={id}").json()["count"] == 0


def test_what_no_id_can_be_is_invalid(world: World) -> None:
    for id in (2**63, -(2**63) - 1, 1.5, "0", True, None):
        answer = world.api("member").post("/api/tasks/", {"project_id": id, "title": "x"})
        assert refusal(answer) == (400, "invalid_data"), id
        assert answer.json()["details"][0]["field"] == "project_id"


def test_moments_at_the_ends_of_time_are_stored_or_refused(world: World) -> None:
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"):
        answer = world.api("member").patch(world.path("tasks/<id:task_id>/"), {"due_at": moment})
        assert answer.status_code in (200, 400), moment
        assert world.api("member").get(world.path("tasks/<id:task_id>/")).status_code == 200


def test_a_parameter_that_does_not_fit_is_named(world: World) -> None:
    for query in (
        "page=0",
        "page=-1",
        "page=x",
        "page=1.5",
        "page=9999999999999999999999",
        "page_size=0",
        "page_size=201",
        "project=x",
        "project=9223372036854775808",
        "status=done",
        "assignee=me",
        "q=a%00b",
        "q=" + "x" * 201,
    ):
        answer = world.api("member").get(f"/api/tasks/?{query}")
        assert refusal(answer) == (400, "invalid_data"), query
        assert answer.json()["details"][0]["field"] == query.partition("=")[0]


def test_a_page_far_beyond_the_end_is_not_found(world: World) -> None:
    assert refusal(world.api("member").get("/api/tasks/?page=2147483648")) == (404, "not_found")


def test_broken_query_encodings_are_read_somehow(world: World) -> None:
    assert world.api("member").get("/api/tasks/?q=%ff%fe%ed%a0%80").status_code == 200


def test_ids_that_no_row_can_have_are_not_found(world: World) -> None:
    api = world.api("member")
    for id in (str(2**63), str(2**64), "9" * 400, "0", "-1", "01", "1.0", "x", "%00", "٣", "1%2f"):
        for method, address in RULES:
            first, _, rest = address.replace("<user:", "<id:").partition("<id:")
            if rest:
                path = f"/api/{first}{id}{rest.partition('>')[2]}"
                assert refusal(api(method, path)) == (404, "not_found"), path


def test_unknown_addresses_are_not_found_in_json(world: World) -> None:
    for path in ("/api/", "/api/tasks", "/api/nothing/", "/api/tasks/1/nothing/", "/api/token//"):
        for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS"):
            for role in ("member", "anonymous"):
                assert refusal(world.api(role)(method, path)) == (404, "not_found"), (method, path, role)


def test_a_wrong_method_says_which_are_right(world: World) -> None:
    for method in ("DELETE", "OPTIONS", "TRACE"):
        answer = world.api("member")(method, "/api/tasks/")
        assert refusal(answer) == (405, "invalid_message")
        assert answer["Allow"] == "GET, HEAD, POST"


def test_other_media_types_are_refused(world: World) -> None:
    client = world.api("member")
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "nonsense"):
        answer = client._client.post("/api/projects/", b"name=x", content_type=kind, headers=client.headers)
        assert refusal(answer) == (415, "invalid_message"), kind
    assert refusal(client.get("/api/projects/", Accept="text/html")) == (406, "invalid_message")


def test_a_body_may_have_as_many_bytes_as_a_frame(world: World) -> None:
    start = b'{"title": "x", "padding": "'
    fits = start + b"x" * (MAX_BODY - len(start) - 2) + b'"}'
    path = world.path("tasks/<id:task_id>/")
    assert world.api("member").patch(path, fits).status_code == 200
    assert refusal(world.api("member").patch(path, fits + b" ")) == (413, "invalid_message")


def test_unknown_fields_are_ignored_and_those_of_the_path_win(world: World) -> None:
    other = world.new_task("Other")
    body = {"task_id": other.pk, "nonsense": {"a": [1]}, "status": "review"}
    assert world.api("member").post(world.path("tasks/<id:task_id>/status/"), body).json()["id"] == world.task.pk


def test_a_missing_body_is_an_empty_one(world: World) -> None:
    assert world.api("member").patch(world.path("tasks/<id:task_id>/")).json()["version"] == 1
    answer = world.api("member").post("/api/tasks/")
    assert answer.json()["details"] == [{"field": "project_id", "message": "This field is required."}]


@pytest.mark.parametrize("fault", [ValueError("secret"), RecursionError()])
def test_an_unexpected_error_is_answered_with_a_reference_that_is_in_the_log(
    world: World, fault: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise fault

    monkeypatch.setattr(access, "require_member", fail)
    with caplog.at_level(logging.ERROR, logger="taskrealtime"):
        answer = world.api("member").get(world.path("projects/<id:project_id>/"))
    data = answer.json()
    assert (answer.status_code, data["code"]) == (500, "internal")
    assert "secret" not in answer.content.decode()
    [record] = [record for record in caplog.records if record.name.startswith("taskrealtime")]
    assert data["details"]["reference"] in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is fault


def test_a_lost_database_is_one_line_of_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(access, "require_member", fail)
    with caplog.at_level(logging.WARNING, logger="taskrealtime"):
        answer = world.api("member").get(world.path("projects/<id:project_id>/"))
    data = answer.json()
    assert (answer.status_code, data["code"]) == (500, "internal")
    assert "refused" not in answer.content.decode()
    [record] = [record for record in caplog.records if record.name.startswith("taskrealtime")]
    reference = data["details"]["reference"]
    assert record.getMessage() == (
        f"API: a request failed, error {reference}, since the database is away (connection refused)."
    )
    assert record.exc_info is None


def test_a_refusal_by_django_is_forbidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionDenied

    monkeypatch.setattr(access, "require_member", refuse)
    assert refusal(world.api("member").get(world.path("projects/<id:project_id>/"))) == (403, "forbidden")


# --- Anything at all ------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["title", "description", "status", "priority", "assignee_id", "due_at", "version", "content", "name", "role"]
)
BODIES = st.dictionaries(FIELDS, ANY_JSON, max_size=5).map(lambda body: json.dumps(body).encode())
#: All but those that end the world, and those that need a transaction of their own.
SAFE = [
    (method, address)
    for method, address in RULES
    if method != "DELETE"
    and not address.endswith(("revoke/", "leave/", "board/", "events/", "notifications/", "schema/", "asyncapi/"))
]


@examples(60)
@given(endpoint=st.sampled_from(SAFE), body=BODIES | st.binary(max_size=50), q=ANY_TEXT, key=st.none() | ANY_TEXT)
def test_no_input_is_our_fault(world: World, endpoint: tuple[str, str], body: bytes, q: str, key: str | None) -> None:
    method, address = endpoint
    headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
    path = f"{world.path(address)}?q={quote(q)}"
    answer = world.api("owner")(method, path, None if method == "GET" else body, **headers)
    assert answer.status_code < 500, answer.content
