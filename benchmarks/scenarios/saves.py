"""From a save in any code to the bytes at 500 sockets."""

from contextlib import ExitStack, closing
from dataclasses import replace

from benchmarks.alternating import Way, alternate
from benchmarks.bench import VENV, Cores, Effort, Result
from benchmarks.scenarios.fanout import LISTENERS
from benchmarks.servers import OURS, PEERS_BY_NAME, RunningOurs, RunningPeer
from benchmarks.tables import number, table
from benchmarks.writer import Writer

TITLE = "From `Task.save()` to 500 sockets, four saves a second"
PAUSE = 0.25
TUTORIAL = "Channels tutorial"


def measure(cores: Cores, effort: Effort) -> Result:
    """Ours and the tutorial's, each with its own `Task`."""
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores)))
        world = ours.installation.populate(users=LISTENERS + 2)
        writer = stack.enter_context(closing(ours.installation.writer(world.tasks[0])))
        ours.open(LISTENERS, world=world, writer=writer)
        tutorial = stack.enter_context(closing(RunningPeer(PEERS_BY_NAME[TUTORIAL], cores)))
        command = [str(VENV / "bin" / "python"), "-m", "benchmarks.writer", "tutorial"]
        other = stack.enter_context(closing(Writer(command, tutorial.env)))
        tutorial.open(LISTENERS, writer=other)
        options = {"by": "other", "pause": PAUSE}
        longer = replace(effort, seconds=effort.seconds * 4)
        return alternate([Way(OURS, ours, options), Way(TUTORIAL, tutorial, options)], longer)


def tell(result: Result) -> str:
    """The report's text."""
    rows = []
    for name in (OURS, TUTORIAL):
        one = result[name]
        if "failed" in one:
            rows.append([name, one["failed"], "", ""])
            continue
        rows.append([name, *(f"{number(one[key]['median'])} ({_range(one[key])})" for key in ("p50", "p99", "p999"))])
    return f"""\
The time from just before `save()`, in a process that is no server, to the bytes at each of {LISTENERS}
sockets, in ms; in brackets the lowest and highest of the runs. The tutorial's `Task` sends to its group by
`async_to_sync(channel_layer.group_send)` in `post_save`, as the documentation of Channels shows: before the commit,
without a log.

{table(["", "p50", "p99", "p99.9"], rows)}"""


def _range(figure: Result) -> str:
    return f"{number(figure['low'])}–{number(figure['high'])}"
