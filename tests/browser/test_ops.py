"""The operations page, and the connection test, as people in front of them use them."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.stacks import Server, User

from .board import Board
from .conftest import NewPage

STEPS = 8


def staff(server: Server) -> User:
    return server.stack.user(is_staff=True)


def tile(page: Page, name: str) -> str:
    return page.locator(f"[data-tile={name}] [data-value]").inner_text()


def test_staff_see_the_server_live(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    project = server.project(alice, name="Garden")
    board = Board(new_page(server, alice, f"/projects/{project}/"))
    page = new_page(server, staff(server))
    page.locator("[data-me]").click()
    page.get_by_role("menuitem", name="Operations").click()
    row = page.locator(f'[data-project-id="{project}"]')
    expect(row).to_contain_text("Garden")
    number = page.locator("th", has_text=re.compile(rf"^{server.pid}\b"))
    process = page.locator("[data-processes] tr").filter(has=number)  # others ran here before it
    expect(process).to_have_attribute("data-state", "running")
    expect(page.locator("[data-tile=connections] [data-value]")).to_have_text("2")
    board.add("todo", "Paint the fence")
    expect(page.locator("[data-tile=lag] [data-value]")).to_contain_text("ms")
    expect(page.locator("[data-tile=deliveries] .plot__line")).to_have_attribute("d", re.compile("^M.*L"))
    board.page.close()
    expect(row).to_have_count(0)


def test_the_page_is_no_page_to_others(server: Server, new_page: NewPage) -> None:
    for user in (server.stack.user(), None):
        page = new_page(server, user, "/ops/", allow_errors="status of 404")
        expect(page.get_by_role("heading")).to_have_text("Page not found")
        assert "js/ops/" not in page.content()


def test_a_user_who_loses_staff_loses_what_they_saw(server: Server, new_page: NewPage) -> None:
    user = staff(server)
    page = new_page(server, user, "/ops/", allow_errors="status of 404")
    expect(page.locator("[data-processes] tr").first).to_be_visible()
    server.stack.run("User.objects.filter(id=id).update(is_staff=False)", id=user.id)
    expect(page.locator("[data-ops-warning]")).to_contain_text("no longer")
    expect(page.locator("[data-ops-body]")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading")).to_have_text("Page not found")


# --- The connection test ----------------------------------------------------------------------


def run_test(page: Page) -> None:
    page.get_by_role("button", name="Start test").click()
    expect(page.locator("[data-check-report]")).to_be_visible(timeout=60_000)


def outcomes(page: Page) -> list[str | None]:
    return [step.get_attribute("data-outcome") for step in page.locator(".step").all()]


def test_all_works_and_the_report_has_no_secret(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, "/connection/")
    run_test(page)
    assert outcomes(page) == ["ok"] * STEPS, page.locator("[data-report-text]").input_value()
    expect(page.locator("[data-check-verdict]")).to_have_text("Everything works. Boards are live here.")
    report = page.locator("[data-report-text]").input_value()
    assert report.count("[OK     ]") == STEPS
    assert re.search(r"this connection as [0-9a-f]{16}", report)
    cookies = [cookie["value"] for cookie in page.context.cookies()]
    assert not [secret for secret in ["bearer", "eyJ", *cookies] if secret in report]


def test_a_board_links_to_the_test(server: Server, new_page: NewPage) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, f"/projects/{server.project(alice)}/")
    Board(page)
    assert page.locator("a[data-connection]").get_attribute("href") == "/connection/"


class Proxy:
    """Stands before a server, and changes what it passes on to it."""

    def __init__(self, port: int, change: Callable[[bytes], bytes]) -> None:
        self._port, self._change = port, change
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_pipe, args=[server, client], daemon=True)
            back.start()
            while received := _receive(client):
                server.sendall(self._change(received))
            back.join(timeout=1)

    def close(self) -> None:
        self._listening.close()


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(256 * 1024)
    except OSError:
        return b""


def _pipe(source: socket.socket, target: socket.socket) -> None:
    while received := _receive(source):
        try:
            target.sendall(received)
        except OSError:
            return
    target.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port, lambda received: re.sub(rb"(?im)^(upgrade|connection):[^\n]*\n", b"", received))
    yield proxy
    proxy.close()


def test_a_proxy_that_passes_no_upgrade_is_named(server: Server, new_page: NewPage, proxy: Proxy) -> None:
    alice = server.stack.user()
    page = new_page(server, alice, allow_errors="WebSocket|404")
    page.goto(f"http://127.0.0.1:{proxy.port}/connection/")
    run_test(page)
    assert outcomes(page) == ["ok", "ok", "fail", *["skipped"] * 4, "ok"]
    expect(page.locator(".step").nth(2)).to_contain_text("isn’t forwarding the upgrade")
    expect(page.locator("[data-check-verdict]")).to_contain_text("by polling")


@pytest.mark.parametrize(
    "setting, shown, polling",
    [
        ({"WEBSOCKET_ENABLED": "0"}, "turned off", "ok"),
        ({"WEBSOCKET_CORS_ORIGINS": "https://other.example"}, "WEBSOCKET_CORS_ORIGINS", "ok"),
        # A request that waits is a connection, too.
        ({"WEBSOCKET_MAX_CONNECTIONS_PER_USER": "1"}, "Close other tabs", "fail"),
    ],
)
def test_a_refusal_of_the_server_is_named(
    server: Server, new_page: NewPage, setting: dict[str, Any], shown: str, polling: str
) -> None:
    strict = server.stack.server(**setting)
    alice = server.stack.user()
    page = new_page(strict, alice, "/connection/", allow_errors="WebSocket|404|429")
    if "WEBSOCKET_MAX_CONNECTIONS_PER_USER" in setting:
        other = strict.connect(alice)
        other.expect("connected")
    run_test(page)
    for failed in page.locator(".step[data-outcome=fail]").all():
        expect(failed).to_contain_text(shown)
    assert outcomes(page)[-1] == polling
    strict.stop()


def test_a_lost_server_is_named(server: Server, new_page: NewPage) -> None:
    lost = server.stack.server()
    page = new_page(lost, server.stack.user(), "/connection/", allow_errors="ERR_|WebSocket")
    lost.kill()
    run_test(page)
    assert outcomes(page) == ["fail", "fail", *["skipped"] * 5, "fail"]
    expect(page.locator("[data-check-verdict]")).to_have_text("Boards can’t be live here.")
