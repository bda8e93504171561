"""A page of another origin that uses the board's socket and API with a token."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Route

from tests.support.stacks import ROOT, Server, Stack

from .conftest import NewPage

HTML = b'<!doctype html><title>Other</title><link rel="icon" href="data:,"><script src="/client.js"></script>'


class Files(BaseHTTPRequestHandler):
    """A site of its own: one page, with the client's plain script."""

    def do_GET(self) -> None:
        is_script = self.path == "/client.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.end_headers()
        self.wfile.write((ROOT / "static/js/websocket_client.js").read_bytes() if is_script else HTML)

    def log_message(self, *args: object) -> None:
        """Keep the test's output free of requests."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The origin of the other site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def open_server(shared_stack: Stack, site: str) -> Iterator[Server]:
    """A server that lists the other site."""
    server = shared_stack.server(WEBSOCKET_CORS_ORIGINS=site)
    yield server
    server.discard()


@pytest.mark.parametrize("socket", ["WebSocket", "class { constructor() { throw new Error('blocked'); } }"])
def test_a_listed_page_makes_changes_by_socket_and_by_polling(
    open_server: Server, site: str, new_page: NewPage, socket: str
) -> None:
    ann = open_server.stack.user()
    project = open_server.project(ann)
    page = new_page(open_server)
    page.goto(site)
    received = page.evaluate(
        f"""async ({{ url, token, project }}) => {{
          const client = new TaskManagerWebSocket({{ url, token, WebSocket: {socket} }});
          const received = new Promise((resolve) => client.on("task_created", ({{ task }}) => resolve(task.title)));
          await client.joinProject(project, {{ timeout: 60_000 }});
          await client.createTask(project, {{ title: "From elsewhere" }});
          return [await received, client.state];
        }}""",
        {"url": f"{open_server.url.replace('http', 'ws')}/ws/", "token": open_server.token(ann), "project": project},
    )
    assert received == ["From elsewhere", "live" if socket == "WebSocket" else "polling"]


def test_another_page_can_read_nothing(server: Server, site: str, new_page: NewPage) -> None:
    """Not even with the cookie of a user that is signed in."""
    page = new_page(server, server.stack.user(), allow_errors="CORS policy|ERR_FAILED")
    requested: list[str] = []

    def note(route: Route) -> None:
        requested.append(route.request.method)
        route.continue_()

    page.goto(site)
    page.route(f"{server.url}/api/**", note)
    refused = page.evaluate(
        """(url) => fetch(url, { credentials: "include" }).then((answer) => answer.text(), (error) => error.name)""",
        f"{server.url}/api/projects/",
    )
    assert refused == "TypeError"
    assert requested == ["GET"]
