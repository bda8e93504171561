"""What it costs to accept a client."""

from contextlib import closing

from benchmarks.bench import Cores, Effort, Result, spread
from benchmarks.servers import ALL, OURS, start
from benchmarks.tables import number, ratio, table

TITLE = "Letting 1 000 clients in"
CLIENTS, EACH = 1000, 50


def measure(cores: Cores, effort: Effort) -> Result:
    """By name the ms of CPU for each connection, and connections a second, over fresh servers in turn."""
    clients = CLIENTS // min(effort.less, 2)
    runs: dict[str, list[Result]] = {name: [] for name in ALL}
    for _ in range(min(3, effort.repeats)):
        for name in ALL:
            with closing(start(name, cores)) as running:
                before = running.cpu()
                opened = running.open(clients, rooms=clients // EACH).opened
                cpu = (running.cpu() - before) / opened["opened"]
                runs[name].append({"cpu": cpu * 1e3, "rate": opened["opened"] / opened["seconds"]})
    return {name: {key: spread([run[key] for run in found]) for key in ("cpu", "rate")} for name, found in runs.items()}


def tell(result: Result) -> str:
    """The report's text."""
    ours = result[OURS]["cpu"]["median"]
    rows = [
        [
            f"**{name}**" if name == OURS else name,
            f"{number(one['cpu']['median'])} ({number(one['cpu']['low'])}–{number(one['cpu']['high'])})",
            ratio(one["cpu"]["median"] / ours),
            number(one["rate"]["median"]),
        ]
        for name, one in sorted(result.items(), key=lambda item: item[1]["cpu"]["median"])
    ]
    return f"""\
Fifty at a time connect to a server that has just started. With taskrealtime each is another user: the token is
verified, user and rooms are loaded from PostgreSQL, and a project of {EACH} is joined, whose other members get the
presence event. The peers accept every connection and join it to one room.

{table(["server", "ms of CPU for each", "beside ours", "connections a second"], rows)}"""
