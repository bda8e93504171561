"""The same room, with events that queue up."""

from contextlib import ExitStack, closing

from benchmarks.alternating import Way, alternate, tell_ways
from benchmarks.bench import Cores, Effort, Result
from benchmarks.scenarios.fanout import LISTENERS
from benchmarks.servers import OURS, PEERS_BY_NAME, RunningOurs, RunningPeer

TITLE = "One room of 500, fifty events at once"
EVENTS = 50


def measure(cores: Cores, effort: Effort) -> Result:
    """Ours and every peer."""
    listeners = LISTENERS // effort.less
    with ExitStack() as stack:
        ours = stack.enter_context(closing(RunningOurs(cores)))
        world = ours.installation.populate(users=listeners + 2, tasks=EVENTS)
        writer = stack.enter_context(closing(ours.installation.writer(world.tasks[0])))
        ours.open(listeners, world=world, writer=writer)
        ways = [Way(OURS, ours, {"events": EVENTS, "by": "other"})]
        for peer in PEERS_BY_NAME.values():
            running = stack.enter_context(closing(RunningPeer(peer, cores)))
            running.open(listeners)
            ways.append(Way(peer.name, running, {"events": EVENTS}))
        return alternate(ways, effort)


def tell(result: Result) -> str:
    """The report's text."""
    return f"""\
One transaction saves {EVENTS} tasks; the peers get {EVENTS} events in one write. The next {EVENTS} follow
when the last listener has received all of them. Times are in ms.

{tell_ways(result)}"""
