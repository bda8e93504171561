"""Losing access: connections close, and no secret remains."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import Connect
from tests.flows.conftest import StartServer
from tests.flows.tokens import bad_tokens, mint
from tests.support.sockets import Closed, Socket
from tests.support.stacks import Server, Stack, User


class Browser:
    """A signed-in browser, as far as HTTP goes."""

    def __init__(self, server: Server, user: User) -> None:
        self.server = server
        self.http = server.api()
        self.http.cookies.set("sessionid", server.session(user))
        self.http.get("/")

    def post(self, path: str) -> httpx.Response:
        return self.http.post(path, headers={"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.server.url})

    def token(self) -> str:
        return str(self.post("/api/token/session/").json()["access"])

    def socket(self) -> Socket:
        socket = self.server.connect(token=self.token())
        assert socket.next()["event"] == "connected"
        return socket


@pytest.fixture
def user(server: Server) -> User:
    return server.stack.user()


@pytest.fixture
def browsers(server: Server, user: User) -> tuple[Browser, Browser]:
    return Browser(server, user), Browser(server, user)


def closes_at_once(socket: Socket) -> int:
    """Wait for the end; the close code."""
    code = socket.wait_closed()
    socket.close()
    return code


def test_a_browsers_session_and_its_sockets_end_together(
    server: Server, user: User, browsers: tuple[Browser, Browser], connect: Connect
) -> None:
    here, elsewhere = browsers
    tabs, token = [here.socket(), here.socket()], here.token()
    other, script = elsewhere.socket(), connect(server, user)
    assert here.post("/logout/").status_code == 302
    assert [closes_at_once(tab) for tab in tabs] == [4403, 4403]
    assert server.api(Authorization=f"Bearer {token}").get("/api/projects/").json()["code"] == "token_invalid"
    with server.connect(token=token) as late:
        assert late.wait_closed() == 4401
    assert here.http.get("/").status_code == 302
    assert other.ask("ping", {})
    assert script.ask("ping", {})
    fresh = elsewhere.token()
    assert other.ask("token_refresh", {"token": fresh})
    with pytest.raises(AssertionError, match="token_invalid"):
        other.ask("token_refresh", {"token": token})
    other.close()


@pytest.mark.installations("deployed")
def test_a_revoked_user_is_disconnected_by_every_process_also_without_redis(stack: Stack, connect: Connect) -> None:
    servers = [stack.server(SWEEP_INTERVAL="0.3") for _ in range(2)]
    ann, bob, cas = stack.user(), stack.user(), stack.user()
    sockets = [[connect(server, user) for server in servers] for user in (ann, bob, cas)]
    assert stack.redis
    stack.redis.kill()
    stack.run("User.objects.filter(id=id).update(is_active=False)", id=ann.id)
    stack.run("user = User.objects.get(id=id); user.set_password('another one entirely'); user.save()", id=bob.id)
    assert servers[0].api(cas).post("/api/token/revoke/").status_code == 204
    assert [[closes_at_once(socket) for socket in of_user] for of_user in sockets] == [[4403, 4403]] * 3


def test_a_refresh_token_is_good_for_one_use(server: Server, user: User) -> None:
    api = server.api()
    first = api.post("/api/token/", json={"username": user.username, "password": user.password}).json()
    second = api.post("/api/token/refresh/", json={"refresh": first["refresh"]})
    assert second.status_code == 200
    assert second.json()["refresh"] != first["refresh"]
    again = api.post("/api/token/refresh/", json={"refresh": first["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")
    # One of the two was stolen: what follows from them ends, too.
    assert api.post("/api/token/refresh/", json={"refresh": second.json()["refresh"]}).status_code == 401


@pytest.mark.parametrize("serve", [False, True], ids=["daphne", "serve"])
@pytest.mark.installations("embedded")
def test_no_secret_is_in_the_log(start_server: StartServer, serve: bool) -> None:
    server = start_server(serve=serve)
    ann = server.stack.user()
    secrets = {name: token for name, (token, _) in bad_tokens(server.stack, ann).items() if len(token) > 20}
    secrets["good"] = mint(server.stack, ann)
    for token in secrets.values():
        for options in ({"token": token}, {"subprotocols": ["taskrealtime.v1", f"bearer.{token}"]}, {}):
            with server.connect(**options) as socket:
                if not options:
                    socket.send_event("connect", {"token": token}, id=1)
                try:
                    frames = [socket.next()]
                except Closed:
                    frames = []
            assert token not in str(frames)
        server.api(Authorization=f"Bearer {token}").get("/api/projects/")
        server.api().post("/api/token/refresh/", json={"refresh": token})
    server.api().post("/api/token/", json={"username": ann.username, "password": "a wrong guess"})
    pair = server.api().post("/api/token/", json={"username": ann.username, "password": ann.password}).json()
    secrets |= pair | {"password": ann.password, "guess": "a wrong guess", "cookie": server.session(ann)}
    server.api(Cookie=f"sessionid={secrets['cookie']}").get("/")
    log = server.log(lines=0)
    assert {name for name, secret in secrets.items() if secret in log or secret[-30:] in log} == set()


def test_nothing_personal_may_be_kept_by_a_cache(server: Server, browsers: tuple[Browser, Browser]) -> None:
    here = browsers[0]
    for answer in (
        here.http.get("/"),
        here.http.get("/login/"),
        here.post("/api/token/session/"),
        here.http.get("/api/projects/"),
    ):
        assert "no-store" in answer.headers["Cache-Control"], answer.url


# --- Origins ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(shared_stack: Stack) -> Iterator[Server]:
    """A server under names of its own."""
    server = shared_stack.server(ALLOWED_HOSTS="127.0.0.1,board.example,[::1]")
    yield server
    server.stop()


@pytest.mark.parametrize(
    "host, origin, status",
    [
        ("board.example", "https://board.example", 101),
        ("board.example", "https://board.example:443", 101),
        ("board.example:8443", "https://board.example:8443", 101),
        ("board.example", "HTTPS://BOARD.EXAMPLE", 101),
        ("BOARD.example", "https://board.example", 101),
        ("[::1]:8000", "http://[::1]:8000", 101),
        ("board.example", "null", 403),
        ("board.example", "https://board.example.evil.example", 403),
        ("board.example", "https://evil.example/https://board.example", 403),
        ("board.example", "https://board.example:8443", 403),
        ("board.example:8443", "https://board.example", 403),
        ("board.example", "http://board.example@evil.example", 403),
        ("[::1]:8000", "http://[::2]:8000", 403),
        ("evil.example", "https://evil.example", 403),  # a name that its owner pointed at our address
        # What is no origin at all, the servers refuse by themselves.
        ("[::1]:8000", "http://[::1", 400),
        ("board.example", "", 400),
        ("board.example", "https://", 400),
    ],
)
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxied"])
def test_only_our_own_pages_open_sockets(
    named: Server, user: User, host: str, origin: str, status: int, proxied: bool
) -> None:
    headers = {"Authorization": f"Bearer {named.token(user)}"} | ({"X-Forwarded-Proto": "https"} if proxied else {})
    assert upgrade(named, {"Host": host, "Origin": origin, **headers}) == status


def upgrade(server: Server, headers: dict[str, str]) -> int:
    """Ask for a WebSocket with just these headers; the answer's status."""
    import socket

    lines = ["GET /ws/ HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(4096).split()[1])


def test_a_cookie_signs_no_socket_in_whatever_page_it_comes_with(
    server: Server, user: User, browsers: tuple[Browser, Browser]
) -> None:
    cookie = f"sessionid={browsers[0].http.cookies['sessionid']}"
    for origin in (None, f"http://127.0.0.1:{server.port}"):
        with server.connect(additional_headers={"Cookie": cookie}, origin=origin) as socket:
            socket.send_event("join_project", {"project_id": 1}, id=1)
            assert socket.next()["data"]["code"] == "unauthenticated"
            assert socket.wait_closed() == 4401
    with pytest.raises(InvalidStatus):
        server.connect(user, additional_headers={"Cookie": cookie}, origin="https://evil.example")
