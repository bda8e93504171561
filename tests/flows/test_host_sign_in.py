"""A project's own sign-in is the door to its board, and what it has for an API of its own changes nothing there."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.host import PREFIX, HostStack
from tests.support.stacks import Server, User

SESSIONS = "django.contrib.sessions.backends."
CLOSED = 4403
#: What the project has for an API of its own.
OWN_API = {
    "REST_FRAMEWORK": {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"user": "1/day"},
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.QueryParameterVersioning",
        "DEFAULT_VERSION": "7",
        "ALLOWED_VERSIONS": ["7"],
        "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
        "EXCEPTION_HANDLER": "tests.support.host_urls.home",
        "UNAUTHENTICATED_USER": None,
        "UNAUTHENTICATED_TOKEN": None,
        "URL_FORMAT_OVERRIDE": "kind",
        "NON_FIELD_ERRORS_KEY": "all",
    },
    "SIMPLE_JWT": {
        "ALGORITHM": "RS256",
        "SIGNING_KEY": "no key of this algorithm",
        "USER_ID_FIELD": "username",
        "USER_ID_CLAIM": "sub",
        "TOKEN_TYPE_CLAIM": "typ",
        "JTI_CLAIM": None,
        "ISSUER": "https://billing.example.org",
        "AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"],
    },
    "SPECTACULAR_SETTINGS": {"TITLE": "Billing", "SCHEMA_PATH_PREFIX": "/v1"},
}


@pytest.fixture(scope="module", params=["db", "cache", "signed_cookies"])
def host(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Start a project with sessions of this kind, whose pages' scripts read no CSRF cookie."""
    settings = {"SESSION_ENGINE": SESSIONS + request.param, "CSRF_USE_SESSIONS": request.param == "db"}
    stack = HostStack(settings | OWN_API | {"CSRF_COOKIE_HTTPONLY": True})
    yield stack.server()
    stack.close()


class Browser:
    """A browser of this project, with its cookies."""

    def __init__(self, host: Server) -> None:
        self.http = httpx.Client(base_url=host.url, timeout=60, follow_redirects=True)

    def sign_in(self, user: User) -> None:
        page = self.http.get(f"{PREFIX}/")
        self._send(page, "/login/", username=user.username, password=user.password, next=f"{PREFIX}/")

    def leave(self) -> None:
        self._send(self.http.get("/login/"), "/logout/")

    def token(self) -> str:
        page = self.http.get(f"{PREFIX}/")
        assert page.url.path == f"{PREFIX}/", page.url
        token_tag = re.search(r'<meta name="csrf-token" content="(\w+)">', page.text)
        assert token_tag
        answer = self.http.post(f"{PREFIX}/api/token/session/", headers={"X-CSRFToken": token_tag[1]})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access"])

    def _send(self, page: httpx.Response, path: str, **fields: str) -> None:
        field = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert field
        answer = self.http.post(path, data=fields | {"csrfmiddlewaretoken": field[1]})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def browser(host: Server) -> Iterator[Browser]:
    browser = Browser(host)
    yield browser
    browser.http.close()


@pytest.mark.parametrize("end", ["signed out", "replaced", "new password", "inactive", "deleted"])
def test_what_ends_the_session_cuts_its_sockets_and_no_others(host: Server, browser: Browser, end: str) -> None:
    alice, bob = host.stack.user(), host.stack.user()
    browser.sign_in(alice)
    elsewhere = Browser(host)
    elsewhere.sign_in(bob)
    socket, other = (host.connect(token=one.token()) for one in (browser, elsewhere))
    for one in (socket, other):
        one.expect("connected")
    if end == "signed out":
        browser.leave()
    elif end == "replaced":
        browser.sign_in(bob)
    elif end == "new password":
        host.stack.run("user = User.objects.get(id=id); user.set_password('another'); user.save()", id=alice.id)
    elif end == "inactive":
        host.stack.run("User.objects.filter(id=id).update(is_active=False)", id=alice.id)
    else:
        host.stack.run("User.objects.get(id=id).delete()", id=alice.id)
    assert socket.wait_closed() == CLOSED
    assert other.ask("ping") is not None
    other.close()
    elsewhere.http.close()


def test_the_api_speaks_as_documented_whatever_the_project_has_for_its_own(host: Server) -> None:
    alice = host.stack.user()
    api = host.api(alice)
    made = api.post(f"{PREFIX}/api/projects/", json={"name": "Garden"})
    assert made.status_code == 201, made.text
    for _ in range(3):
        listed = api.get(f"{PREFIX}/api/projects/", params={"version": "9"})
        assert (listed.status_code, listed.json()["count"]) == (200, 1), listed.text
    refused = api.post(f"{PREFIX}/api/projects/", json={"name": ""})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_data")
    unknown = host.api().get(f"{PREFIX}/api/projects/")
    assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthenticated")
    assert unknown.headers["WWW-Authenticate"] == "Bearer"
    described = host.api().get(f"{PREFIX}/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert described["info"]["title"] == "taskrealtime"
    assert "/api/projects/" in described["paths"]


SAVE_A_USER = """
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
user = User.objects.get(id=id)
user.email = "new@example.org"
user.set_password("another one entirely")
backend = "django.core.mail.backends.locmem.EmailBackend"
with override_settings(EMAIL_BACKEND=backend), CaptureQueriesContext(connection) as queries:
    user.save()
result = [[one["sql"].split()[0] for one in queries], [one.subject for one in getattr(mail, "outbox", [])]]
"""


def test_what_the_project_does_with_accounts_costs_nothing_and_sends_no_mail_of_ours(host: Server) -> None:
    alice = host.stack.user(email="old@example.org")
    assert host.stack.run(SAVE_A_USER, id=alice.id) == [["UPDATE"], []]
