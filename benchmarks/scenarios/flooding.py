"""The effect of a user that floods on other users."""

import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.alternating import Way, alternate
from benchmarks.bench import ROOT, Cores, Effort, Result
from benchmarks.servers import RunningOurs
from benchmarks.tables import number, ratio, table

TITLE = "One user at ten times the limit, felt by others"
LISTENERS, PAUSE = 50, 0.1
LIMIT, TIMES = "200/10s", 10
COMMANDS_A_SECOND = 20 * TIMES
QUIET, FLOODED = "nobody floods", "somebody floods"


@dataclass(frozen=True)
class FloodedWay(Way):
    """A user floods during the measurement."""

    command: tuple[str, ...] = ()

    def run(self, seconds: float) -> Result:
        """As without."""
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as flooder:
            try:
                assert flooder.stdout
                flooder.stdout.readline()
                return super().run(seconds)
            finally:
                flooder.kill()


def measure(cores: Cores, effort: Effort) -> Result:
    """One server with the limit that is the default, in turn without and with a flood on another project."""
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores, limit=LIMIT)))
        world = ours.installation.populate(users=2 * LISTENERS + 4, projects=2)
        ours.open(LISTENERS, world=world.of(0))
        other = world.of(1)
        command = [sys.executable, "-m", "benchmarks.flooder", str(ours.port), other.tokens[0], str(other.tasks[0][0])]
        options: dict[str, Any] = {"by": "socket", "pause": PAUSE}
        ways = [
            Way(QUIET, ours, options),
            FloodedWay(FLOODED, ours, options, (*command, str(COMMANDS_A_SECOND))),
        ]
        return alternate(ways, replace(effort, seconds=effort.seconds * 4))


def tell(result: Result) -> str:
    """The report's text."""
    rows = []
    for name in (QUIET, FLOODED):
        one = result[name]
        if "failed" in one:
            rows.append([name, one["failed"], "", "", ""])
            continue
        longer = one["p99"]["median"] / result[QUIET]["p99"]["median"] if "p99" in result[QUIET] else 1
        p99 = one["p99"]
        rows.append(
            [
                name,
                number(one["p50"]["median"]),
                f"{number(p99['median'])} ({number(p99['low'])}–{number(p99['high'])})",
                ratio(longer),
                number(one["p999"]["median"]),
            ]
        )
    return f"""\
A user changes a task {round(1 / PAUSE)} times a second, in a room of {LISTENERS}; the times are from each command to
each socket, in ms. On another project of the same process a user sends {COMMANDS_A_SECOND} commands a second,
{TIMES} times what `WEBSOCKET_RATE_LIMIT={LIMIT}` allows, and reconnects whenever it is disconnected for that.

{table(["", "p50", "p99", "beside quiet", "p99.9"], rows)}"""
