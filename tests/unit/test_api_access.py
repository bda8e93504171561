"""Access rules over HTTP: a rule for every address and method, so that a new one without a rule fails."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern
from rest_framework.views import APIView

from taskrealtime import account_urls
from taskrealtime.api.nowhere import NowhereView
from taskrealtime.api.urls import urlpatterns
from tests.support.world import PASSWORD, World, undone

pytestmark = pytest.mark.one_installation

ROLES = ("owner", "member", "viewer", "outsider", "anonymous")


class Rule(NamedTuple):
    """The statuses that owner, member, viewer, outsider and anonymous get for one request."""

    statuses: tuple[int, int, int, int, int]
    body: Callable[[World], dict[str, Any]] | None = None


def same(**body: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: body


ALL_SIGNED_IN = (200, 200, 200, 200, 401)
READERS = (200, 200, 200, 404, 401)
EDITORS = (200, 200, 403, 404, 401)
EDITORS_CREATE = (201, 201, 403, 404, 401)
EDITORS_DELETE = (204, 204, 403, 404, 401)
OWNERS = (200, 403, 403, 404, 401)
OPEN = (200, 200, 200, 200, 200)

RULES: dict[tuple[str, str], Rule] = {
    ("POST", "token/"): Rule(OPEN, lambda world: {"username": world.name("owner"), "password": PASSWORD}),
    # Open, but these need a refresh token, or a browser's session: a bearer's access token is neither.
    ("POST", "token/refresh/"): Rule((401, 401, 401, 401, 401), same(refresh="none")),
    ("POST", "token/session/"): Rule((401, 401, 401, 401, 401)),
    ("POST", "token/revoke/"): Rule((204, 204, 204, 204, 401)),
    ("GET", "me/sessions/"): Rule(ALL_SIGNED_IN),
    ("DELETE", "me/sessions/<slug:mark>/"): Rule((404, 404, 404, 404, 401)),  # a mark of no user's
    ("GET", "projects/"): Rule(ALL_SIGNED_IN),
    ("POST", "projects/"): Rule((201, 201, 201, 201, 401), same(name="New")),
    ("GET", "projects/<id:project_id>/"): Rule(READERS),
    ("PATCH", "projects/<id:project_id>/"): Rule(OWNERS, same(name="Other")),
    ("PUT", "projects/<id:project_id>/"): Rule(OWNERS, same(name="Other")),
    ("DELETE", "projects/<id:project_id>/"): Rule((204, 403, 403, 404, 401)),
    ("GET", "projects/<id:project_id>/board/"): Rule(READERS),
    ("GET", "projects/<id:project_id>/events/"): Rule(READERS),
    # The only owner may not leave.
    ("POST", "projects/<id:project_id>/leave/"): Rule((403, 204, 204, 404, 401)),
    ("POST", "projects/<id:project_id>/hand-over/"): Rule(
        (204, 403, 403, 404, 401), lambda world: {"user_id": world.people["viewer"].pk, "then": "leave"}
    ),
    ("GET", "projects/<id:project_id>/members/"): Rule(READERS),
    ("POST", "projects/<id:project_id>/members/"): Rule(
        (201, 403, 403, 404, 401), lambda world: {"username": world.name("outsider")}
    ),
    ("PATCH", "projects/<id:project_id>/members/<user:user_id>/"): Rule(OWNERS, same(role="member")),
    ("PUT", "projects/<id:project_id>/members/<user:user_id>/"): Rule(OWNERS, same(role="member")),
    # The address names the viewer, and viewers may remove themselves.
    ("DELETE", "projects/<id:project_id>/members/<user:user_id>/"): Rule((204, 403, 204, 404, 401)),
    ("POST", "projects/<id:project_id>/labels/"): Rule((201, 403, 403, 404, 401), same(name="New", color="red")),
    ("PATCH", "projects/<id:project_id>/labels/<id:label_id>/"): Rule(OWNERS, same(name="Other")),
    ("PUT", "projects/<id:project_id>/labels/<id:label_id>/"): Rule(OWNERS, same(name="Other")),
    ("DELETE", "projects/<id:project_id>/labels/<id:label_id>/"): Rule((204, 403, 403, 404, 401)),
    ("GET", "projects/<id:project_id>/invitations/"): Rule(OWNERS),
    ("POST", "projects/<id:project_id>/invitations/"): Rule((201, 403, 403, 404, 401), same(role="viewer")),
    ("DELETE", "projects/<id:project_id>/invitations/<id:invitation_id>/"): Rule((204, 403, 403, 404, 401)),
    ("GET", "projects/deleted/"): Rule(ALL_SIGNED_IN),
    ("GET", "projects/<id:project_id>/deleted/"): Rule(READERS),
    # Of these nothing was deleted; who may restore what was: tests/unit/test_deletions.py.
    ("POST", "projects/<id:project_id>/restore/"): Rule((404, 404, 404, 404, 401)),
    ("POST", "projects/<id:project_id>/purge/"): Rule((404, 404, 404, 404, 401)),
    ("POST", "projects/<id:project_id>/members/<user:user_id>/restore/"): Rule((404, 403, 403, 404, 401)),
    ("POST", "projects/<id:project_id>/labels/<id:label_id>/restore/"): Rule((404, 403, 403, 404, 401)),
    ("POST", "projects/<id:project_id>/labels/<id:label_id>/purge/"): Rule((404, 403, 403, 404, 401)),
    ("POST", "comments/<id:comment_id>/restore/"): Rule((404, 404, 404, 404, 401)),
    ("POST", "comments/<id:comment_id>/purge/"): Rule((404, 404, 404, 404, 401)),
    # Every holder of the link may join by it.
    ("POST", "invitations/accept/"): Rule(ALL_SIGNED_IN, lambda world: {"secret": world.invitation[1]}),
    ("GET", "tasks/"): Rule(ALL_SIGNED_IN),
    ("POST", "tasks/"): Rule(EDITORS_CREATE, lambda world: {"project_id": world.project.pk, "title": "New"}),
    ("GET", "tasks/<id:task_id>/"): Rule(READERS),
    ("PATCH", "tasks/<id:task_id>/"): Rule(EDITORS, same(title="Other")),
    ("PUT", "tasks/<id:task_id>/"): Rule(EDITORS, same(title="Other")),
    ("DELETE", "tasks/<id:task_id>/"): Rule(EDITORS_DELETE),
    ("POST", "tasks/<id:task_id>/status/"): Rule(EDITORS, same(status="review")),
    ("POST", "tasks/<id:task_id>/move/"): Rule(EDITORS, same(status="review")),
    ("POST", "tasks/<id:task_id>/restore/"): Rule(EDITORS),
    # The task is not completed; only users that may archive it see that.
    ("POST", "tasks/<id:task_id>/archive/"): Rule((400, 400, 403, 404, 401)),
    ("POST", "projects/<id:project_id>/archive/"): Rule(EDITORS),
    ("GET", "tasks/<id:task_id>/comments/"): Rule(READERS),
    ("POST", "tasks/<id:task_id>/comments/"): Rule(EDITORS_CREATE, same(content="Hi")),
    # The comment is the member's.
    ("PATCH", "comments/<id:comment_id>/"): Rule((403, 200, 403, 404, 401), same(content="Hi")),
    ("PUT", "comments/<id:comment_id>/"): Rule((403, 200, 403, 404, 401), same(content="Hi")),
    ("DELETE", "comments/<id:comment_id>/"): Rule(EDITORS_DELETE),
    ("GET", "search/"): Rule(ALL_SIGNED_IN),
    ("GET", "notifications/"): Rule(ALL_SIGNED_IN),
    ("GET", "notifications/events/"): Rule(ALL_SIGNED_IN),
    ("POST", "notifications/read/"): Rule(ALL_SIGNED_IN, same(up_to=0)),
    # The reminder is the owner's.
    ("POST", "notifications/<id:seq>/snooze/"): Rule((200, 404, 404, 404, 401), same(minutes=10)),
    # The project's room; only those of live models have a snapshot there.
    ("GET", "rooms/<room:room>/"): Rule((404, 404, 404, 404, 401)),
    ("GET", "rooms/<room:room>/events/"): Rule(READERS),
    ("GET", "me/"): Rule(ALL_SIGNED_IN),
    ("PATCH", "me/"): Rule(ALL_SIGNED_IN, same(timezone="Europe/Berlin")),
    ("PUT", "me/"): Rule(ALL_SIGNED_IN, same(timezone="Europe/Berlin")),
    # What waits for an answer is the user's own: of these none has anything.
    ("GET", "me/requests/"): Rule(ALL_SIGNED_IN),
    ("POST", "me/requests/<id:project_id>/accept/"): Rule((404, 404, 404, 404, 401)),
    ("POST", "me/requests/<id:project_id>/decline/"): Rule((404, 404, 404, 404, 401)),
    ("GET", "me/blocks/"): Rule(ALL_SIGNED_IN),
    ("DELETE", "me/blocks/<user:user_id>/"): Rule((404, 404, 404, 404, 401)),
    ("GET", "schema/"): Rule(OPEN),
    ("GET", "asyncapi/"): Rule(OPEN),
}


def endpoints() -> Iterator[tuple[str, str]]:
    """Every method of every address under `/api/`."""
    of_accounts = [pattern for pattern in account_urls.urlpatterns if str(pattern.pattern).startswith("api/")]
    for pattern in [*of_accounts, *urlpatterns]:
        assert isinstance(pattern, URLPattern), "an include under /api/ needs its rules, too"
        view: type[APIView] = pattern.callback.cls  # type: ignore[attr-defined]
        if view is not NowhereView:
            address = str(pattern.pattern).removeprefix("api/")
            yield from ((method, address) for method in view().allowed_methods if method != "HEAD")


def test_every_endpoint_has_a_rule() -> None:
    assert set(endpoints()) == set(RULES)


#: Snapshots and replays choose how their transaction is isolated: none may be open around them.
OWN_TRANSACTION = [
    (method, address) for method, address in RULES if address.endswith(("board/", "events/", "notifications/"))
]


@pytest.mark.django_db
def test_the_rule_is_kept(subtests: pytest.Subtests) -> None:
    world = World()
    for method, address in (rule for rule in RULES if rule not in OWN_TRANSACTION):
        with subtests.test(f"{method} {address}"):
            assert_kept(world, method, address, undone)


@pytest.mark.django_db(transaction=True)
def test_the_rules_of_snapshots_and_replays_are_kept(subtests: pytest.Subtests) -> None:
    world = World()
    for method, address in OWN_TRANSACTION:
        assert method == "GET", "it would change the world of the next one"
        with subtests.test(f"{method} {address}"):
            assert_kept(world, method, address, nullcontext)


def assert_kept(world: World, method: str, address: str, around: Callable[[], AbstractContextManager[None]]) -> None:
    """Let every role ask, each with what it does undone where it does anything."""
    rule = RULES[method, address]
    path, body = world.path(address), rule.body(world) if rule.body else None
    answers = []
    for role in ROLES:
        with around():
            answer = world.api(role)(method, path, body)
        answers.append(answer.status_code)
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/json"
            assert set(answer.json()) == {"code", "message"}
        if answer.status_code == 401:
            assert answer["WWW-Authenticate"] == "Bearer"
    assert tuple(answers) == rule.statuses
