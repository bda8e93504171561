"""Measures several servers in turn, so that what disturbs the machine disturbs them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .bench import Effort, Failed, Result, per_delivery, say, spread
from .servers import LIMIT, OURS, Running
from .tables import number, ratio, table

#: Seconds of fan-out before anything is measured: caches fill, compilers compile.
WARM_UP = 0.5


@dataclass(frozen=True)
class Way:
    """One way of delivering to listeners: a running server and how its load generator publishes."""

    name: str
    server: Running
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self, seconds: float) -> Result:
        """Publish for that long; with `cpu`, the µs of the server's CPU for each delivery.

        Raises:
            Failed: an event was lost, doubled or out of order, or a socket was closed.
        """
        assert self.server.load
        before = self.server.cpu()
        result = self.server.load.run(seconds, **self.options)
        return result | {"cpu": per_delivery(self.server.cpu() - before, result)}


def alternate(ways: list[Way], effort: Effort) -> Result:
    """Each of them `effort.repeats` times in turn; by name what came of it: a `spread` of each figure, or `failed`."""
    runs: dict[str, list[Result]] = {way.name: [] for way in ways}
    failed: dict[str, str] = {}
    for turn in range(effort.repeats + 1):
        for way in ways:
            if way.name in failed:
                continue
            try:
                result = way.run(effort.seconds if turn else min(WARM_UP, effort.seconds))
            except Failed as error:
                say(f"{way.name}: {error}")
                failed[way.name] = str(error)
                continue
            if turn:
                runs[way.name].append(result)
    return {way.name: summarise(runs[way.name], failed.get(way.name)) for way in ways}


def summarise(runs: list[Result], failed: str | None = None) -> Result:
    """The spread of each figure over the runs."""
    if failed is not None:
        return {"failed": failed}
    return {name: spread([run[name] for run in runs]) for name in runs[0]} | {
        "rate": spread([run["deliveries"] / run["seconds"] for run in runs]),
        "load": spread([run["loadgen_cpu"] / run["seconds"] for run in runs]),
    }


def tell_ways(result: Result) -> str:
    """A table of `alternate`'s result, the cheapest first; each beside ours."""
    rows = []
    ours = result[OURS].get("cpu", {}).get("median")
    whole = {name: one for name, one in result.items() if "failed" not in one}
    for name, one in sorted(whole.items(), key=lambda item: item[1]["cpu"]["median"]):
        cpu = one["cpu"]
        rows.append(
            [
                f"**{name}**" if name.startswith(OURS) else f"{name} (the limit)" if name == LIMIT else name,
                number(1e6 / cpu["median"]),
                f"{number(cpu['median'])} ({number(cpu['low'])}–{number(cpu['high'])})",
                ratio(cpu["median"] / ours) if ours else "",
                number(one["rate"]["median"]),
                number(one["p50"]["median"]),
                number(one["p99"]["median"]),
                number(one["p999"]["median"]),
            ]
        )
    heads = [
        "server",
        "deliveries per CPU second",
        "µs of CPU for each",
        "beside ours",
        "deliveries/s",
        "p50",
        "p99",
        "p99.9",
    ]
    text = table(heads, rows)
    for name, one in result.items():
        if "failed" in one:
            text += f"\n\n{name} failed: {one['failed']}"
    return text
