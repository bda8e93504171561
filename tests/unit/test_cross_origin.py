"""Which pages of other origins may use the API."""

from typing import Any

import pytest
from django.urls import include, path
from pytest_django import Settings

from taskrealtime.asgi import integrate_with_existing_app
from taskrealtime.engine.wire.asgi import Receive, Scope, Send

PAGE = "https://app.example"

urlpatterns = [path("board/", include("taskrealtime.urls"))]
PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}


class Project:
    """A project's application; its answers vary by cookie."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.headers = headers
        self.methods: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.methods.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b""})


async def ask(
    address: str = "/api/me/",
    *,
    method: str = "GET",
    origin: str | None = PAGE,
    project: Project | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str]]:
    """Send a request through the board to the project; return the status and headers of the answer."""
    asked = (headers or {}) | ({} if origin is None else {"origin": origin})
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": address,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in asked.items()],
        "client": ["127.0.0.1", 5],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await integrate_with_existing_app(project or Project([(b"vary", b"Cookie")]))(scope, receive, send)
    named = [(name.decode().lower(), value.decode()) for name, value in sent[0]["headers"]]
    assert len(dict(named)) == len(named), "no header comes twice"
    return sent[0]["status"], dict(named)


@pytest.fixture(autouse=True)
def listed(settings: Settings) -> None:
    settings.WEBSOCKET_CORS_ORIGINS = [PAGE]


async def test_a_listed_page_may_read_the_api() -> None:
    assert await ask() == (
        200,
        {"vary": "Cookie, Origin", "access-control-allow-origin": PAGE, "access-control-expose-headers": "Retry-After"},
    )


async def test_a_listed_page_may_send_what_the_client_sends() -> None:
    project = Project([])
    status, headers = await ask(method="OPTIONS", project=project, headers=PREFLIGHT)
    assert (status, project.methods) == (204, [])
    assert headers == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key",
        "access-control-max-age": "3600",
        "vary": "Origin",
    }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example", "null", "https://app.example.evil.example"]
)
async def test_other_pages_may_not(origin: str) -> None:
    project = Project([])
    assert await ask(origin=origin, project=project) == (200, {"vary": "Origin"})
    assert await ask(origin=origin, method="OPTIONS", project=project, headers=PREFLIGHT) == (200, {"vary": "Origin"})
    assert project.methods == ["GET", "OPTIONS"]


async def test_a_request_of_the_same_origin_is_answered_as_ever() -> None:
    assert await ask(origin=None) == (200, {"vary": "Cookie, Origin"})


async def test_no_cookie_counts_across_origins() -> None:
    """Not even where the project lets its own API be used with cookies from elsewhere."""
    project = Project([(b"Access-Control-Allow-Origin", PAGE.encode()), (b"Access-Control-Allow-Credentials", b"true")])
    _, headers = await ask(project=project)
    assert headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("address", ["/", "/projects/1/", "/login/", "/static/js/websocket_client.js"])
async def test_pages_are_not_opened_to_other_origins(address: str) -> None:
    _, headers = await ask(address)
    assert headers == {"vary": "Cookie"}


async def test_nothing_is_opened_without_a_list(settings: Settings) -> None:
    settings.WEBSOCKET_CORS_ORIGINS = []
    assert await ask() == (200, {"vary": "Cookie"})


async def test_a_star_opens_the_api_to_each_page(settings: Settings) -> None:
    settings.WEBSOCKET_CORS_ORIGINS = ["*"]
    _, headers = await ask(origin="https://evil.example")
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.urls(__name__)
async def test_below_a_prefix_only_the_boards_own_api_is_opened() -> None:
    """The API of the project is its own matter."""
    _, headers = await ask("/board/api/me/")
    assert headers["access-control-allow-origin"] == PAGE
    assert await ask("/api/me/") == (200, {"vary": "Cookie"})


async def test_a_refusal_can_be_read_too(settings: Settings) -> None:
    settings.HTTP_MAX_BODY = 10
    status, headers = await ask(method="POST", headers={"content-length": "11"})
    assert (status, headers["access-control-allow-origin"]) == (413, PAGE)
