"""Ten thousand idle clients."""

import time
from contextlib import closing

from benchmarks.bench import Cores, Effort, Result, say
from benchmarks.servers import ALL, OURS, start
from benchmarks.tables import number, table

TITLE = "10 000 idle connections"
CLIENTS, FEW, EACH = 10_000, 100, 50


def measure(cores: Cores, effort: Effort) -> Result:
    """By name the KiB for each connection, and the share of a core that keeping them takes."""
    return {name: _measure_one(name, cores, effort) for name in ALL}


def _measure_one(name: str, cores: Cores, effort: Effort) -> Result:
    clients = CLIENTS // effort.less
    say(f"  {name}")
    # What the first connections need once is not counted.
    with closing(start(name, cores)) as running:
        running.open(FEW, rooms=FEW // EACH)
        few = running.memory()
    with closing(start(name, cores)) as running:
        running.open(clients, rooms=clients // EACH)
        many = running.memory()
        before, begun = running.cpu(), time.monotonic()
        time.sleep(5 * effort.seconds)
        share = (running.cpu() - before) / (time.monotonic() - begun)
    return {"clients": clients, "memory": (many - few) / (clients - FEW) / 1024, "share": share}


def tell(result: Result) -> str:
    """The report's text."""
    rows = [
        [f"**{name}**" if name == OURS else name, number(one["memory"]), f"{one['share']:.1%}"]
        for name, one in sorted(result.items(), key=lambda item: float(item[1]["memory"]))
    ]
    return f"""\
What {number(result[OURS]["clients"])} connections hold in the server's memory (PSS, beside one with {FEW} of them),
and the share of its core that they take. With taskrealtime they are as many users, signed in and joined to
projects of {EACH}; once a second it checks that all of them are still active.

{table(["server", "KiB for each", "of a core"], rows)}"""
