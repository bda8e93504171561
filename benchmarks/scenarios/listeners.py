"""One room of different sizes, and whether others wait while it is served."""

from contextlib import ExitStack, closing
from dataclasses import replace

from benchmarks.alternating import Way, alternate
from benchmarks.bench import Cores, Effort, Result, say
from benchmarks.plot import Line
from benchmarks.servers import OURS, PEERS_BY_NAME, RunningOurs, RunningPeer
from benchmarks.tables import number, table

TITLE = "One room, from 100 listeners to 5 000"
SIZES = (100, 500, 2000, 5000)


def measure(cores: Cores, effort: Effort) -> Result:
    """The figures of all servers, by number of listeners."""
    shorter = replace(effort, repeats=min(3, effort.repeats), seconds=effort.seconds / 2)
    return {str(size): _measure_one(cores, shorter, size) for size in SIZES if size <= SIZES[-1] // effort.less}


def _measure_one(cores: Cores, effort: Effort, size: int) -> Result:
    say(f"  {size} listeners")
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores)))
        world = ours.installation.populate(users=size + 2)
        writer = stack.enter_context(closing(ours.installation.writer(world.tasks[0])))
        ours.open(size, world=world, writer=writer, probe=True)
        ways = [Way(OURS, ours, {"by": "other"})]
        for peer in PEERS_BY_NAME.values():
            running = stack.enter_context(closing(RunningPeer(peer, cores)))
            running.open(size)
            ways.append(Way(peer.name, running))
        return alternate(ways, effort)


def tell(result: Result) -> str:
    """The report's text."""
    rows = []
    for name in (OURS, *PEERS_BY_NAME):
        cells = [result[size][name].get("cpu", {}).get("median") for size in result]
        rows.append([f"**{name}**" if name == OURS else name, *(number(cell) if cell else "failed" for cell in cells)])
    waits = [
        [number(int(size)), *(number(one[OURS][figure][part]) for figure, part in _WAITS)]
        for size, one in result.items()
        if "failed" not in one[OURS]
    ]
    return f"""\
µs of the server's CPU for each delivery, by the number of listeners:

{table(["server", *(number(int(size)) for size in result)], rows)}

![Deliveries per CPU second by the number of listeners, ours and the others](benchmarks-listeners.svg)

While taskrealtime does this, another client, in no project, sends a `ping` every 5 ms and waits for its `pong`:
the cost of a large room for clients outside it. In ms, the worst of all runs on the right:

{table(["listeners", "ping p50", "p99", "the longest"], waits)}"""


#: What the probe's table shows: a figure, and which of its runs.
_WAITS = (("probe_p50", "median"), ("probe_p99", "median"), ("probe_max", "high"))


def lines(result: Result) -> list[Line]:
    """The plot's lines: deliveries per CPU second by listeners."""
    found = []
    for name in (OURS, *PEERS_BY_NAME):
        points = [(int(size), 1e6 / one[name]["cpu"]["median"]) for size, one in result.items() if "cpu" in one[name]]
        found.append(Line(name, points, strong=name == OURS))
    return found
