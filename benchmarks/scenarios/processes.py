"""Two server processes over Redis."""

from contextlib import ExitStack, closing

from benchmarks.bench import Cores, Effort, LoadGenerator, Result, per_delivery, spread
from benchmarks.scenarios.fanout import LISTENERS
from benchmarks.servers import Installation, RunningOurs, join
from benchmarks.tables import number, table

TITLE = "Two processes over Redis"


def measure(cores: Cores, effort: Effort) -> Result:
    """µs of CPU for each delivery, alone and side by side, in turn."""
    with ExitStack() as stack:
        installation = stack.enter_context(closing(Installation()))
        first, second = (stack.enter_context(closing(RunningOurs(cores, installation))) for _ in range(2))
        alone = _listen(stack, [first])
        both = _listen(stack, [first, second])
        runs: dict[str, list[float]] = {"alone": [], "first of two": [], "second of two": []}
        for turn in range(effort.repeats + 1):
            found = [*_cpu(alone, [first], effort), *_cpu(both, [first, second], effort)]
            if turn:  # The first is to warm up.
                for name, value in zip(runs, found, strict=True):
                    runs[name].append(value)
        return {name: spread(values) for name, values in runs.items()}


def _listen(stack: ExitStack, servers: list[RunningOurs]) -> LoadGenerator:
    """A project of its own, with as many listeners at each of these servers."""
    installation = servers[0].installation
    world = installation.populate(users=LISTENERS * len(servers))
    writer = stack.enter_context(closing(installation.writer(world.tasks[0])))
    clients = [
        servers[n % len(servers)].client("L", token, join(world.projects[0])) for n, token in enumerate(world.tokens)
    ]
    return stack.enter_context(closing(LoadGenerator("/ws/", clients, trigger=writer.trigger)))


def _cpu(load: LoadGenerator, servers: list[RunningOurs], effort: Effort) -> list[float]:
    before = [server.cpu() for server in servers]
    result = load.run(effort.seconds, by="other")
    each = {"deliveries": result["deliveries"] / len(servers)}
    return [per_delivery(server.cpu() - start, each) for server, start in zip(servers, before, strict=True)]


def tell(result: Result) -> str:
    """The report's text."""
    alone = result["alone"]["median"]
    rows = [
        [
            name,
            f"{number(one['median'])} ({number(one['low'])}–{number(one['high'])})",
            f"{one['median'] / alone - 1:+.0%}",
        ]
        for name, one in result.items()
    ]
    return f"""\
Each process serves {LISTENERS} listeners of the room; a third process saves the task.

{table(["process", "µs of CPU for each delivery", "beside alone"], rows)}"""
