"""`integrate_with_existing_app`: the board's sockets and bounds in front of a project's own application."""

from typing import Any

import pytest
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import ApplicationCommunicator, WebsocketCommunicator
from django.conf.urls.i18n import i18n_patterns
from django.core.asgi import get_asgi_application
from django.urls import include, path, re_path
from django.utils.module_loading import import_string

from taskrealtime.asgi import integrate_with_existing_app
from taskrealtime.engine.http.page import SOCKET_PATH_KEY
from taskrealtime.engine.integration import Integrated
from taskrealtime.engine.management.commands import serve

pytestmark = pytest.mark.one_installation

Scope = dict[str, Any]

django_application = get_asgi_application()


class Pages:
    """The project's application: it notes what it gets, and answers."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the project's own"})


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    """A socket of the project."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


urlpatterns = [
    path("board/", include("taskrealtime.urls")),
]
under_a_prefix = pytest.mark.urls(__name__)


class Translated:
    """The same in a project whose addresses begin with a language."""

    urlpatterns = i18n_patterns(re_path("^tools/", include(urlpatterns)), prefix_default_language=False)


def request(path: str, **headers: str) -> Scope:
    named = [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in headers.items())]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": named,
        "client": ["127.0.0.1", 5],
    }


async def get(application: Any, scope: Scope) -> tuple[int, bytes]:
    client = ApplicationCommunicator(application, scope)
    await client.send_input({"type": "http.request", "body": b"", "more_body": False})
    start, body = await client.receive_output(20), await client.receive_output(20)
    return start["status"], body["body"]


@under_a_prefix
async def test_a_request_to_the_projects_own_pages_goes_through_as_it_came() -> None:
    pages = Pages()
    scope = request("/helpdesk/tickets/", **{"x-forwarded-for": "203.0.113.7"}) | {"root_path": "/helpdesk"}
    before = dict(scope)
    assert await get(integrate_with_existing_app(pages), scope) == (200, b"the project's own")
    assert pages.scopes == [before | {SOCKET_PATH_KEY: "/ws/"}], "which says where the socket is"


@under_a_prefix
@pytest.mark.parametrize("path", ["/board/", "/board/projects/1/", "/board/api/me/"])
async def test_the_boards_requests_go_by_the_path_that_django_has(path: str) -> None:
    pages = Pages()
    await get(integrate_with_existing_app(pages), request(path) | {"root_path": "/board"})
    assert [(scope["path"], scope["root_path"]) for scope in pages.scopes] == [(path, "")]


@under_a_prefix
async def test_only_the_boards_bodies_are_bounded(settings: Any) -> None:
    settings.HTTP_MAX_BODY = 10
    application = integrate_with_existing_app(Pages())
    assert (await get(application, request("/upload/", **{"content-length": "11"})))[0] == 200
    assert (await get(application, request("/board/api/me/", **{"content-length": "11"})))[0] == 413


@pytest.mark.urls.with_args(Translated)
@pytest.mark.parametrize("path", ["/tools/board/api/me/", "/de/tools/board/api/me/"])
async def test_the_boards_addresses_may_begin_with_a_language(path: str, settings: Any) -> None:
    settings.HTTP_MAX_BODY = 10
    application = integrate_with_existing_app(Pages())
    assert (await get(application, request("/de/upload/", **{"content-length": "11"})))[0] == 200
    assert (await get(application, request(path, **{"content-length": "11"})))[0] == 413


async def connects(application: Any, path: str) -> bool:
    client = WebsocketCommunicator(application, path, headers=[(b"host", b"localhost")])
    connected, _ = await client.connect(20)
    await client.disconnect()
    return connected


async def test_the_boards_socket_is_where_the_project_wants_it() -> None:
    application = integrate_with_existing_app(get_asgi_application(), path="/live/ws/")
    assert await connects(application, "/live/ws/")
    assert not await connects(application, "/ws/")


async def test_without_a_word_the_socket_is_where_the_settings_say(settings: Any) -> None:
    settings.TASKREALTIME = {"SOCKET_PATH": "/live/ws/"}
    application = integrate_with_existing_app(get_asgi_application())
    assert await connects(application, "/live/ws/")
    assert not await connects(application, "/ws/")


async def test_only_at_the_socket_a_request_without_upgrade_gets_a_hint() -> None:
    """The connection test asks there when a socket was refused."""
    application = integrate_with_existing_app(Pages(), path="/live/ws/")
    for where, expected in (("/live/ws/", [(b"x-taskrealtime", b"socket")]), ("/live/", []), ("/ws/", [])):
        client = ApplicationCommunicator(application, request(where))
        await client.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await client.receive_output(20)
        assert [header for header in start["headers"] if header[0] == b"x-taskrealtime"] == expected, where


async def test_sockets_of_the_project_go_on() -> None:
    router = ProtocolTypeRouter({"http": Pages(), "websocket": URLRouter([path("chat/", echo)])})  # type: ignore[arg-type]
    application = integrate_with_existing_app(router)
    client = WebsocketCommunicator(application, "/chat/")
    assert (await client.connect(20))[0]
    await client.send_to("Hello")
    assert await client.receive_from(20) == "Hello"
    await client.disconnect()
    assert await connects(application, "/ws/")


@pytest.mark.parametrize("http_only", [get_asgi_application(), ProtocolTypeRouter({"http": Pages()})])
async def test_a_socket_that_nothing_serves_is_refused_without_a_traceback(http_only: Any) -> None:
    assert not await connects(integrate_with_existing_app(http_only), "/nowhere/")


@pytest.mark.parametrize("named", [None, "tests.unit.test_integration.django_application"])
def test_serve_puts_the_board_in_front_of_a_project_that_has_not(settings: Any, named: str | None) -> None:
    settings.ASGI_APPLICATION = named
    assert isinstance(serve._application(), Integrated)


def test_serve_leaves_the_application_of_a_project_that_has(settings: Any) -> None:
    assert serve._application() is import_string(settings.ASGI_APPLICATION)


async def test_what_is_neither_request_nor_socket_is_the_projects() -> None:
    types: list[str] = []

    async def application(scope: Scope, receive: Any, send: Any) -> None:
        types.append(scope["type"])

    await integrate_with_existing_app(application)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert types == ["lifespan"]
