"""Many small rooms at once."""

from contextlib import ExitStack, closing

from benchmarks.alternating import Way, alternate
from benchmarks.bench import Cores, Effort, Result
from benchmarks.servers import OURS, RunningOurs
from benchmarks.tables import number, table

TITLE = "1 000 rooms of 10"
ROOMS, EACH = 1000, 10


def measure(cores: Cores, effort: Effort) -> Result:
    """Ours: each round saves a task of each project, each in its own transaction."""
    rooms = ROOMS // effort.less
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores)))
        world = ours.installation.populate(users=rooms * EACH + 2, projects=rooms)
        writer = stack.enter_context(closing(ours.installation.writer([tasks[0] for tasks in world.tasks], apart=True)))
        ours.open(rooms * EACH, world=world, writer=writer)
        way = Way(OURS, ours, {"events": rooms, "expected": 1, "by": "other"})
        return alternate([way], effort) | {"rooms": rooms}


def tell(result: Result) -> str:
    """The report's text."""
    one = result[OURS]
    if "failed" in one:
        return f"Failed: {one['failed']}"
    rows = [
        ["µs of the server's CPU for each delivery", number(one["cpu"]["median"])],
        [
            "µs of the server's CPU for each event, numbered and published by another process",
            number(one["cpu"]["median"] * EACH),
        ],
        ["p50 from before the save to the socket, ms", number(one["p50"]["median"])],
        ["p99", number(one["p99"]["median"])],
    ]
    return f"""\
Another process saves one task of each project after the other, without a pause, as fast as it can; each save is
a transaction of its own and delivered to {EACH} of the {number(result["rooms"] * EACH)} listeners.

{table(["", OURS], rows)}"""
