"""Tens of thousands of bad messages: none is our fault, none changes anything, and the server lives on."""

import asyncio
import itertools

import pytest

from tests.conftest import Connect
from tests.support import fuzz
from tests.support.observing import MIB, memory
from tests.support.stacks import Server, Stack

SEED = 20
#: Conversations that run at a time.
AT_ONCE = 8
#: What a server may grow by after it has warmed up. It levels off at 25 MB more; a leak of what was sent would be
#: several times that.
MAY_GROW = 48 * MIB

# A viewer may read notifications, and a key of that is remembered: it is the one change that may happen.
EVERYTHING = (
    "models = (Task, Comment, Project, Membership, User, Event, SessionVersion)\n"
    "rows = [list(model.objects.order_by('pk').values_list()) for model in models]\n"
    "result = repr([rows, list(IdempotencyKey.objects.exclude(answer__contains='unread').values_list())])"
)


async def attack(server: Server, token: str, seed: int, frames: list[dict[str, object]], messages: int) -> None:
    """Send so many messages."""
    sent = 0
    source = fuzz.conversations(seed, frames)

    async def one_after_the_other() -> None:
        nonlocal sent
        while sent < messages:
            count, wire = next(source)
            sent += count
            exchange = await fuzz.converse(server.port, token, wire)
            assert exchange.finished or exchange.close_code is not None, (
                len(wire),
                wire[:600],
                wire[-600:],
                exchange.frames[-3:],
            )
            assert exchange.close_code != 1011, wire
            for frame in exchange.frames:
                assert frame["data"].get("code") != "internal", (frame, wire)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


@pytest.mark.parametrize("messages", [1000, pytest.param(20_000, marks=pytest.mark.long)])
def test_no_message_is_our_fault_or_changes_anything(stack: Stack, connect: Connect, messages: int) -> None:
    """Neither on the reference server nor on stock daphne."""
    server = stack.server(serve=stack.kind == "deployed")
    ann, vic = stack.user(), stack.user()
    project = server.project(ann, viewers=[vic])
    task = server.api(ann).post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    frames = fuzz.valid_frames(project_id=project, task_id=task)
    connect(server, vic).close()  # whose room is made by that
    before = stack.run(EVERYTHING)
    asyncio.run(attack(server, server.token(vic), SEED, frames, messages // 5))
    warm = memory(server.pid)
    asyncio.run(attack(server, server.token(vic), SEED + 1, frames, messages))
    assert stack.run(EVERYTHING) == before
    assert memory(server.pid) - warm < MAY_GROW
    listener = connect(server, ann)
    assert listener.ask("join_project", {"project_id": project})
    assert "Traceback" not in server.log(lines=0), server.log()


def test_the_same_seed_sends_the_same() -> None:
    frames = fuzz.valid_frames(project_id=1, task_id=1)
    first, again = (list(itertools.islice(fuzz.conversations(3, frames), 20)) for _ in range(2))
    assert first == again
