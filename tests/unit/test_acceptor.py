"""Which connections are accepted, and which are not, while a server is overloaded."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest

from taskrealtime.engine.limits import connections
from taskrealtime.engine.server import acceptor
from taskrealtime.engine.server.acceptor import Acceptor
from tests.support.crowd import until


class Reception:
    """A listening socket, its acceptor, and the clients handed over: by the byte that each client sends first."""

    def __init__(self, listening: socket.socket | None = None) -> None:
        self.listening = listening or socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.is_busy = True
        self.handed: list[str] = []
        self._clients: list[socket.socket] = []
        self.acceptor = Acceptor(self.listening, self._take, lambda: self.is_busy, asyncio.get_running_loop())

    def come(self, name: str) -> socket.socket:
        """A client connects and sends its identity."""
        client = socket.create_connection(self.listening.getsockname())
        client.sendall(name.encode())
        self._clients.append(client)
        return client

    def _take(self, connection: socket.socket) -> None:
        assert not connection.getblocking()
        self.handed.append(connection.recv(10).decode())

    async def comes_to(self, *handed: str) -> None:
        """Wait until just these were handed over, in this order."""
        await until(lambda: len(self.handed) >= len(handed), 20)
        assert self.handed == list(handed)

    async def has_taken(self, count: int) -> None:
        """Wait until so many are out of the kernel's hands."""
        await until(lambda: len(self.acceptor) == count, 20)

    def close(self) -> None:
        """Close all connections."""
        self.acceptor.stop()
        self.let_clients_go()

    def let_clients_go(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
async def reception() -> AsyncIterator[Reception]:
    reception = Reception()
    yield reception
    reception.close()


async def test_where_there_is_time_every_client_is_taken_in_as_it_comes(reception: Reception) -> None:
    reception.is_busy = False
    reception.come("a")
    await reception.comes_to("a")
    reception.come("b")
    await reception.comes_to("a", "b")


async def test_a_client_that_came_last_goes_first_once_there_is_time(reception: Reception) -> None:
    for count, name in enumerate("abc", 1):
        reception.come(name)
        await reception.has_taken(count)
    assert reception.handed == []
    reception.is_busy = False
    await reception.comes_to("c", "b", "a")


async def test_a_client_that_left_while_waiting_is_not_taken_in(reception: Reception) -> None:
    leaving = reception.come("a")
    reception.come("b")
    cut = reception.come("c")
    await reception.has_taken(3)
    leaving.close()
    cut.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Closed with a reset.
    cut.close()
    reception.is_busy = False
    await reception.comes_to("b")
    await reception.has_taken(0)
    assert reception.handed == ["b"]


async def test_others_get_their_turn_of_the_event_loop_between_a_few_and_a_few(reception: Reception) -> None:
    names = [str(number) for number in range(3 * acceptor.HANDED_AT_ONCE)]
    for name in names:
        reception.come(name)
    await reception.has_taken(len(names))
    reception.is_busy = False
    turns = set()
    while len(reception.handed) < len(names):
        turns.add(len(reception.handed))
        await asyncio.sleep(0)
    assert turns >= {acceptor.HANDED_AT_ONCE, 2 * acceptor.HANDED_AT_ONCE}


async def test_no_more_than_so_many_wait_here_and_those_behind_them_come_later(monkeypatch: Any) -> None:
    monkeypatch.setattr(acceptor, "MAX_WAITING", 3)
    reception = Reception()
    for name in "abcde":
        reception.come(name)
    await reception.has_taken(3)
    reception.is_busy = False
    await reception.comes_to("c", "b", "a", "e", "d")
    reception.close()


async def test_one_that_is_lost_on_its_way_in_keeps_back_none_of_those_behind_it(
    reception: Reception, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for count, name in enumerate("abc", 1):
        reception.come(name)
        await reception.has_taken(count)
    take = reception._take
    lost = iter([OSError(errno.ENOTCONN, "Transport endpoint is not connected")])

    def fail_once(connection: socket.socket) -> None:
        if error := next(lost, None):
            raise error
        take(connection)

    monkeypatch.setattr(reception.acceptor, "_hand_over", fail_once)
    reception.is_busy = False
    await reception.comes_to("b", "a")
    assert "was lost while it was accepted (Transport endpoint is not connected)" in caplog.text


async def test_clients_that_wait_are_cut_when_it_stops() -> None:
    reception = Reception()
    client = reception.come("a")
    await reception.has_taken(1)
    where = client.getpeername()
    reception.acceptor.stop()
    client.settimeout(20)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    reception.let_clients_go()


async def test_it_tries_again_where_there_are_no_file_descriptors_left(
    monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Exhausted(socket.socket):
        tries = 0

        def accept(self) -> Any:
            self.tries += 1
            if self.tries == 1:
                raise OSError(errno.EMFILE, "Too many open files")
            if self.tries == 2:
                raise OSError(errno.ECONNABORTED, "Software caused connection abort")
            return super().accept()

    monkeypatch.setattr(acceptor, "RETRY_SECONDS", 0.01)
    listening = Exhausted()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    with caplog.at_level(logging.ERROR):
        reception = Reception(listening)
        reception.is_busy = False
        reception.come("a")
        await reception.comes_to("a")
    assert "connections cannot be accepted (Too many open files)" in caplog.text
    reception.close()


def test_others_wait_while_many_are_signed_in_slowly_but_not_while_nothing_gets_on(monkeypatch: Any) -> None:
    now = 1000.0
    monkeypatch.setattr("taskrealtime.engine.limits.connections.time.monotonic", lambda: now)
    with ExitStack() as first, ExitStack() as others:
        for _ in range(connections.MANY_SIGNING_IN - 1):
            first.enter_context(connections.signing_in())
        with connections.signing_in():
            now += connections.SLOW_SECONDS
            assert not connections.is_signing_in_slow()  # Many, and soon done.
        now += connections.SLOW_SECONDS
        assert not connections.is_signing_in_slow()  # Slow, and few.
        others.enter_context(connections.signing_in())
        assert connections.is_signing_in_slow()
        now += connections.STALLED_SECONDS  # No client is done: the database is away, and no work is in the way.
        assert not connections.is_signing_in_slow()
        with connections.signing_in():
            pass
        assert connections.is_signing_in_slow()
        first.close()
        assert not connections.is_signing_in_slow()
