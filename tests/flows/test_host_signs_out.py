"""A project's own sign-in is the door to its board: what ends a session there cuts the sockets of its pages."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.host import PREFIX, HostStack
from tests.support.stacks import Server, User

SESSIONS = "django.contrib.sessions.backends."
CLOSED = 4403


@pytest.fixture(scope="module", params=["db", "cache", "signed_cookies"])
def host(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Start a project with sessions of this kind, whose pages' scripts read no CSRF cookie."""
    settings = {"SESSION_ENGINE": SESSIONS + request.param, "CSRF_USE_SESSIONS": request.param == "db"}
    stack = HostStack(settings | {"CSRF_COOKIE_HTTPONLY": True})
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
        said = re.search(r'<meta name="csrf-token" content="(\w+)">', page.text)
        assert said
        answer = self.http.post(f"{PREFIX}/api/token/session/", headers={"X-CSRFToken": said[1]})
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
