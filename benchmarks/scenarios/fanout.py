"""One room with 500 listeners, one event at a time."""

from contextlib import ExitStack, closing

from benchmarks.alternating import Way, alternate, tell_ways
from benchmarks.bench import Cores, Effort, Result
from benchmarks.servers import OURS, PEERS_BY_NAME, RunningOurs, RunningPeer

TITLE = "One room of 500, one event at a time"
LISTENERS = 500


def measure(cores: Cores, effort: Effort) -> Result:
    """Ours in two ways (a client's command, a save elsewhere), and every peer."""
    with ExitStack() as stack:
        ways = open_ours(cores, stack)
        for peer in PEERS_BY_NAME.values():
            running = stack.enter_context(closing(RunningPeer(peer, cores)))
            running.open(LISTENERS)
            ways.append(Way(peer.name, running))
        return alternate(ways, effort)


def open_ours(cores: Cores, stack: ExitStack) -> list[Way]:
    """Our server with its listeners."""
    ours = stack.enter_context(closing(RunningOurs(cores)))
    world = ours.installation.populate(users=LISTENERS + 2)
    writer = stack.enter_context(closing(ours.installation.writer(world.tasks[0])))
    ours.open(LISTENERS, world=world, writer=writer)
    return [Way(OURS, ours, {"by": "other"}), Way(f"{OURS}, with the change itself", ours, {"by": "socket"})]


def tell(result: Result) -> str:
    """The report's text."""
    return f"""\
The next event is published when the last listener has received the one before, so nothing queues up; the times are
from publishing to each socket, in ms. In the row `{OURS}` a task is saved by another process, with log, number and
PostgreSQL, and its times begin before that save. In the row `{OURS}, with the change itself` a client's command
changes the task, all of which is carried out, logged, numbered and acknowledged by the server measured here. For the
peers a client sends the event by socket; they broadcast it and store nothing.

{tell_ways(result)}"""
