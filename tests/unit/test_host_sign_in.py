"""The board in a project with a sign-in of its own: no middleware, backend or setting of ours, any kind of session."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import logout, views
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, include, path
from pytest_django import Settings

from taskrealtime.engine.auth import session_notes, tokens
from taskrealtime.engine.wire.errors import TokenInvalid
from tests.support.world import PASSWORD, World

SESSIONS = "django.contrib.sessions.backends."
ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]


def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("Goodbye")


def cycle(request: HttpRequest) -> HttpResponse:
    """As a page does that asks for a second factor."""
    request.session.cycle_key()
    return HttpResponse("Confirmed")


urlpatterns = [
    path("accounts/login/", views.LoginView.as_view(template_name="taskrealtime/login.html"), name="login"),
    path("accounts/leave/", leave),
    path("accounts/confirm/", cycle),
    path("board/", include("taskrealtime.urls")),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return SESSIONS + str(request.param)


@pytest.fixture(autouse=True)
def project(settings: Settings) -> Settings:
    """Settings as `startproject` makes them."""
    settings.TASKREALTIME = {}
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.LOGIN_URL = "/accounts/login/"
    return settings


def sign_in(client: Client, user: User) -> None:
    answer = client.post("/accounts/login/?next=/board/", {"username": user.username, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/board/")


def token_of(client: Client) -> str:
    answer = client.post("/board/api/token/session/")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["access"])


def is_good(token: str) -> bool:
    try:
        tokens.identify(token)
    except TokenInvalid:
        return False
    return True


def test_a_user_the_project_signs_in_is_signed_in_and_signing_out_there_ends_the_tokens(
    world: World, project: Settings, engine: str
) -> None:
    project.SESSION_ENGINE = engine
    browser, elsewhere = Client(), Client()
    for client in (browser, elsewhere):
        sign_in(client, world.people["member"])
        assert client.get("/board/").status_code == 200
    ours, other = token_of(browser), token_of(elsewhere)
    assert tokens.identify(ours).user == world.people["member"]
    browser.get("/accounts/leave/")
    assert not is_good(ours)
    assert browser.post("/board/api/token/session/").status_code == 401
    assert is_good(other), "the other browser stays signed in"


def test_another_key_for_the_same_session_changes_nothing(world: World, project: Settings, engine: str) -> None:
    project.SESSION_ENGINE = engine
    browser = Client()
    sign_in(browser, world.people["member"])
    before = token_of(browser)
    browser.get("/accounts/confirm/")
    after = token_of(browser)
    [shown] = browser.get("/board/api/me/sessions/").json()["sessions"]
    assert shown["current"]
    assert shown["kind"] == "browser"
    browser.get("/accounts/leave/")
    assert not is_good(before)
    assert not is_good(after)


def test_a_session_that_another_users_replaces_ends(world: World, project: Settings, engine: str) -> None:
    project.SESSION_ENGINE = engine
    browser = Client()
    sign_in(browser, world.people["member"])
    token = token_of(browser)
    sign_in(browser, world.people["owner"])
    assert not is_good(token)
    assert tokens.identify(token_of(browser)).user == world.people["owner"]


def test_a_sign_in_that_is_ended_from_elsewhere_ends_here(world: World, project: Settings, engine: str) -> None:
    project.SESSION_ENGINE = engine
    browser, elsewhere = Client(), Client()
    for client in (browser, elsewhere):
        sign_in(client, world.people["member"])
    token = token_of(browser)
    token_of(elsewhere)
    for other in elsewhere.get("/board/api/me/sessions/").json()["sessions"]:
        if not other["current"]:
            assert elsewhere.delete(f"/board/api/me/sessions/{other['id']}/").status_code == 204
    assert not is_good(token)
    assert browser.post("/board/api/token/session/").status_code == 401
    assert browser.get("/board/").headers["Location"] == "/accounts/login/?next=/board/"


def test_signing_out_everywhere_sends_the_board_to_the_projects_sign_in_once(
    world: World, project: Settings, engine: str
) -> None:
    project.SESSION_ENGINE = engine
    user, browser = world.people["member"], Client()
    sign_in(browser, user)
    token = token_of(browser)
    tokens.sign_out_everywhere(user)
    assert not is_good(token)
    assert browser.get("/board/").headers["Location"] == "/accounts/login/?next=/board/"
    sign_in(browser, user)
    assert browser.get("/board/").status_code == 200
    assert is_good(token_of(browser))


@pytest.mark.parametrize("end", ["new password", "inactive", "deleted"])
def test_what_ends_an_account_ends_its_tokens(world: World, engine: str, project: Settings, end: str) -> None:
    project.SESSION_ENGINE = engine
    user, browser = User.objects.create_user("guest", password=PASSWORD), Client()
    sign_in(browser, user)
    token = token_of(browser)
    if end == "new password":
        user.set_password("another one entirely")
        user.save()
    elif end == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.delete()
    assert not is_good(token)
    assert browser.post("/board/api/token/session/").status_code == 401


def test_a_user_that_no_session_signs_in_gets_a_token(world: World, project: Settings) -> None:
    """As with a middleware that believes a header of the company's proxy."""
    project.MIDDLEWARE = [*project.MIDDLEWARE, f"{__name__}.by_header"]
    browser = Client(headers={"X-Employee": world.name("member")})
    assert browser.get("/board/").status_code == 200
    tokens.sign_out_everywhere(world.people["member"])
    token = token_of(browser)
    assert tokens.identify(token).user == world.people["member"]
    assert tokens.identify(token).browser is None


def by_header(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        request.user = User.objects.get(username=request.headers["X-Employee"])
        return get_response(request)

    return middleware


def test_signing_in_and_out_costs_a_project_nothing(world: World, project: Settings) -> None:
    project.SESSION_ENGINE = SESSIONS + "cache"
    browser = Client()
    sign_in(browser, world.people["member"])
    request = HttpRequest()
    request.session, request.user = browser.session, world.people["member"]
    before = dict(request.session.items())
    for signal in (user_logged_in, user_logged_out):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            for receiver in signal._live_receivers(User)[0]:
                if receiver.__module__.startswith("taskrealtime."):
                    receiver(sender=User, request=request, user=world.people["member"], signal=signal)
        assert len(queries) == 0, queries.captured_queries
    assert dict(request.session.items()) == before
    assert session_notes.NOTE not in before


@pytest.mark.parametrize("ours", [False, True], ids=["the project's middleware", "ours"])
def test_the_user_of_a_request_is_not_looked_for_before_it_is_needed(
    world: World, project: Settings, ours: bool
) -> None:
    if ours:
        djangos = "django.contrib.auth.middleware.AuthenticationMiddleware"
        project.MIDDLEWARE = [session_notes.MIDDLEWARE if one == djangos else one for one in project.MIDDLEWARE]
    browser = Client()
    browser.force_login(world.people["member"])
    token = tokens.make_access_token(world.people["member"])
    with CaptureQueriesContext(connection) as queries:
        browser.get("/board/api/schema/")
        browser.get("/board/api/me/", headers={"Authorization": f"Bearer {token}"})
    assert [one["sql"] for one in queries if "django_session" in one["sql"]] == []


def test_visitors_are_sent_to_the_projects_own_sign_in(world: World) -> None:
    board = f"/board/projects/{world.project.pk}/"
    assert Client().get(board).headers["Location"] == f"/accounts/login/?next={board}"


@pytest.mark.urls("tests.unit.host_with_accounts")
def test_what_is_open_stays_open_in_a_project_that_requires_sign_in_everywhere(world: World, project: Settings) -> None:
    project.MIDDLEWARE = [*project.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    token = tokens.make_access_token(world.people["member"])
    assert Client().get("/board/api/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert Client().get("/board/api/me/").status_code == 401
    for place in (
        "board/api/schema/",
        "board/join/",
        "members/login/",
        "members/password/lost/",
        "members/password/new/",
    ):
        assert Client().get(f"/{place}").status_code == 200, place
    assert Client().get("/members/sign-up/").status_code == 403, "which says that one needs an invitation"
    credentials = {"username": world.name("member"), "password": PASSWORD}
    assert Client().post("/members/api/token/", credentials, content_type="application/json").status_code == 200
    assert Client().post("/board/language/", {"language": "de"}).status_code == 302
    assert Client().get("/board/").status_code == 302


# --- Requests that change something ---------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"CSRF_USE_SESSIONS": True},
        {"CSRF_COOKIE_HTTPONLY": True},
        {"CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN", "CSRF_COOKIE_NAME": "XSRF-TOKEN"},
    ],
    ids=lambda given: " ".join(given) or "default",
)
def test_a_page_gets_a_token_with_what_stands_in_it(world: World, project: Settings, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(project, name, value)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people["member"])
    page = browser.get(f"/board/projects/{world.project.pk}/").content.decode()
    token_tag = re.search(r'<meta name="csrf-token" content="(\w+)">', page)
    header = re.search(r'data-csrf-header="([\w-]+)"', page)
    assert token_tag
    assert header
    place, kind = "/board/api/token/session/", "application/json"
    assert browser.post(place, content_type=kind).status_code == 403
    answer = browser.post(place, content_type=kind, headers={header[1]: token_tag[1]})
    assert answer.status_code == 200, answer.content


def test_the_api_speaks_english_in_a_project_that_does_not(world: World, project: Settings) -> None:
    project.LANGUAGE_CODE = "de"
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people["member"])
    assert browser.post("/board/api/token/session/", content_type="application/json").json()["message"] == (
        "CSRF Failed: CSRF cookie not set."
    )


@pytest.mark.urls("tests.unit.host_with_accounts")
def test_every_view_of_ours_is_outside_of_the_transactions_of_requests() -> None:
    views = list(_views(get_resolver().url_patterns, ""))
    assert len(views) > 40
    assert [place for place, view in views if "default" not in getattr(view, "_non_atomic_requests", ())] == []


def _views(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        place = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, place)
        elif isinstance(pattern, URLPattern) and place.startswith(("board/", "members/")):
            yield place, pattern.callback


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_changes_nothing_and_counts_in_requests_that_are_transactions(
    world: World, project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    project.WEBSOCKET_RATE_LIMIT = "1/1h"
    browser = Client()
    sign_in(browser, world.people["member"])
    assert browser.post("/board/", {"name": "First"}).status_code == 302
    refused = browser.post("/board/", {"name": "Second"})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]
    page = browser.get("/board/").content.decode()
    assert "First" in page
    assert "Second" not in page


@pytest.mark.urls("tests.unit.host_with_accounts")
@pytest.mark.parametrize("backends", [["ModelBackend"], ["LimitedAttempts", "ModelBackend"]], ids=str)
def test_the_account_pages_count_attempts_once_whichever_backend_checks_the_passwords(
    world: World, project: Settings, backends: list[str]
) -> None:
    ours, djangos = "taskrealtime.engine.passwords.", "django.contrib.auth.backends."
    project.AUTHENTICATION_BACKENDS = [(djangos if one == "ModelBackend" else ours) + one for one in backends]
    project.SIGN_IN_RATE_LIMIT = "2/1h"
    for door, name in ("/members/login/", world.name("member")), ("/members/api/token/", world.name("owner")):
        right, wrong = ({"username": name, "password": given} for given in (PASSWORD, "a wrong one"))
        kind: dict[str, Any] = {"content_type": "application/json"} if "api" in door else {}
        assert Client().post(door, wrong, **kind).status_code in {200, 401}
        for _ in range(2):
            assert Client().post(door, right, **kind).status_code in {200, 302}, "a right one does not count"
        assert Client().post(door, wrong, **kind).status_code in {200, 401}
        assert Client().post(door, right, **kind).status_code == 429


@pytest.mark.urls("tests.unit.host_with_accounts")
def test_one_account_has_one_limit_however_its_name_is_written(world: World, project: Settings) -> None:
    project.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    project.SIGN_IN_RATE_LIMIT = "2/1h"
    name = world.name("member")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in name)  # which Django takes for the same letters
    for written in (f" {name}", wide):
        assert Client().post("/members/login/", {"username": written, "password": "wrong"}).status_code == 200
    assert Client().post("/members/login/", {"username": f"{name} ", "password": PASSWORD}).status_code == 429
