"""What a run came to, in figures."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from .checker import Violation, undisturbed
from .foreign import BURST
from .record import ACKNOWLEDGED, Entry, Fault, History, Record

#: Clocks of a run are right or off by whole hours.
HOUR = 3600.0
#: Seconds after its end that a fault still counts as being in force.
ECHO = 2.0


@dataclass(frozen=True)
class Seconds:
    """Several measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return median(self.values)

    def __str__(self) -> str:
        if not self.values:
            return "not measured"
        return f"median {median(self.values):.2f} s, max {max(self.values):.2f} s ({len(self.values)} times)"


@dataclass
class Report:
    """The figures of one run."""

    kind: str
    seed: int
    seconds: float
    operations: int = 0
    acknowledged: int = 0
    events: int = 0
    deliveries: int = 0
    reconnects: int = 0
    resumes: int = 0
    resets: int = 0
    internal_errors: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    others: int = 0
    violations: list[Violation] = field(default_factory=list)
    #: Seconds from an event to its delivery at a client whose connection was well all the time; by fault in force.
    silence: float = 0.0
    silences: dict[str, float] = field(default_factory=dict)
    #: From a fault's end until every client was where the log was then.
    catching_up: dict[str, Seconds] = field(default_factory=dict)
    timings: dict[str, Seconds] = field(default_factory=dict)
    #: The longest time in which the run itself did not get to work.
    stall: float = 0.0

    def __str__(self) -> str:
        lines = [
            f"{self.kind}, seed {self.seed}, {self.seconds:.0f} s",
            f"operations      {self.acknowledged} acknowledged of {self.operations}",
            f"events          {self.events}, deliveries {self.deliveries}",
            f"connections     {self.reconnects} reconnects, {self.resumes} resumes, {self.resets} resets, "
            f"{self.internal_errors} errors `internal`",
            f"lost {self.lost}, doubled {self.doubled}, reordered {self.reordered}, other violations {self.others}",
            f"longest silence {self.silence:.2f} s (the run itself stood still for {self.stall:.2f} s at the most)",
            "",
            f"{'fault':38} {'times':>5} {'silence':>8}  until everybody had caught up",
        ]
        for kind, times in sorted(self.faults.items()):
            silence = f"{self.silences.get(kind, 0.0):.2f} s"
            lines.append(f"{kind:38} {times:5} {silence:>8}  {self.catching_up.get(kind, Seconds(()))}")
        if self.timings:
            lines += ["", *(f"{name:66} {seconds}" for name, seconds in self.timings.items())]
        if self.violations:
            lines += ["", "VIOLATIONS", *(str(violation)[:600] for violation in self.violations[:40])]
        return "\n".join(lines)


def make_report(
    kind: str, seed: int, seconds: float, record: Record, violations: list[Violation], timings: dict[str, Seconds]
) -> Report:
    """The report of a run that was checked."""
    kinds = Counter(violation.kind for violation in violations)
    main = kinds["lost"] + kinds["doubled"] + kinds["reordered"]
    entries = [entry for history in record.histories for entry in history.entries]
    what = Counter(entry.what for entry in entries)
    # A long poll joins with every request.
    joined = [entry for entry in entries if entry.what == "joined" and entry.data["since"] is not None]
    polls = [h for h in record.histories if h.wire and not any(entry.what == "connected" for entry in h.entries)]
    polled = sum(entry.what == "joined" and not entry.data["reset"] for h in polls for entry in h.entries)
    log = record.final.log if record.final else {}
    begun = min((entry.at for entry in entries), default=0.0)
    moments = {room: true_times([_unix(frame["at"]) for frame in frames], begun) for room, frames in log.items()}
    silences = _silences(record, moments)
    return Report(
        kind=kind,
        seed=seed,
        seconds=seconds,
        operations=len(record.operations),
        acknowledged=sum(operation.outcome == ACKNOWLEDGED for operation in record.operations),
        events=sum(len(frames) for frames in log.values()),
        deliveries=what["event"],
        reconnects=max(
            0, what["connected"] - sum(any(e.what == "connected" for e in h.entries) for h in record.histories)
        ),
        resumes=sum(not entry.data["reset"] for entry in joined) - polled,
        resets=sum(entry.data["reset"] for entry in joined) + what["reset"],
        internal_errors=sum(entry.what == "error" and entry.data.get("code") == "internal" for entry in entries),
        faults=dict(Counter(fault.kind for fault in record.faults)),
        lost=kinds["lost"],
        doubled=kinds["doubled"],
        reordered=kinds["reordered"],
        others=len(violations) - main,
        violations=violations,
        silence=max(silences.values(), default=0.0),
        silences=silences,
        catching_up=_catching_up(record, moments),
        timings=timings,
        stall=max((end - begin for begin, end in record.stalls), default=0.0),
    )


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def true_times(written: list[float], begun: float) -> list[float]:
    """When the events of a room happened, though the clocks of some processes were hours off.

    Args:
        written: the times in the events, in the order of their numbers.
        begun: a moment before the first of them, by half an hour at most.
    """
    times: list[float] = []
    for at in written:
        hours = round(((times[-1] if times else begun) - at) / HOUR)
        times.append(at + hours * HOUR)
    return times


# --- Silence -----------------------------------------------------------------------------------


def _silences(record: Record, moments: dict[str, list[float]]) -> dict[str, float]:
    """The longest silence by the kind of fault in force; under "" where there was none."""
    longest: dict[str, float] = {}
    for history in record.histories:
        for entry, _ in undisturbed(history):
            seen = moments.get(entry.room, [])
            if entry.seq > len(seen) or _of_a_burst(entry):
                continue
            late = entry.at - seen[entry.seq - 1]
            for kind in _in_force(record.faults, entry.at - late, entry.at) or [""]:
                longest[kind] = max(longest.get(kind, 0.0), late)
    return longest


def _of_a_burst(entry: Entry) -> bool:
    """Whether its transaction took seconds from the event to the commit: its time says little about its delivery."""
    data = entry.frame["data"] if entry.frame else {}
    text = data.get("changes", {}).get("description") or data.get("task", {}).get("description") or ""
    return str(text).startswith(BURST)


def _in_force(faults: list[Fault], begin: float, end: float) -> list[str]:
    return [f.kind for f in faults if f.began <= end and (f.healed is None or f.healed + ECHO >= begin)]


# --- Catching up ---------------------------------------------------------------------------------


def _catching_up(record: Record, moments: dict[str, list[float]]) -> dict[str, Seconds]:
    progress = {history.name: _progress(history) for history in record.histories}
    strikes = [fault for fault in record.faults if fault.struck]
    measured: dict[str, list[float]] = {}
    for fault in record.faults:
        if fault.healed is None or fault.unwanted:
            continue
        healed = fault.healed
        others = [other for other in strikes if other is not fault and _in_force([other], healed, healed)]
        hindered = {name for other in others for name in other.struck}
        times = [0.0]
        for name, rooms in progress.items():
            if name in hindered or (fault.struck and name not in fault.struck):
                continue  # Held up by something else, or not meant.
            for room, (ats, seqs) in rooms.items():
                head = _head_at(moments.get(room, []), healed)
                index = bisect_left(seqs, head)
                if head and index < len(ats):
                    times.append(max(0.0, ats[index] - healed))
        measured.setdefault(fault.kind, []).append(max(times))
    return {kind: Seconds(tuple(times)) for kind, times in measured.items()}


def _progress(history: History) -> dict[str, tuple[list[float], list[int]]]:
    """By room: when which number was reached for the first time."""
    rooms: dict[str, tuple[list[float], list[int]]] = {}
    for entry in history.entries:
        if entry.what in ("event", "snapshot"):
            ats, seqs = rooms.setdefault(entry.room, ([], []))
            if not seqs or entry.seq > seqs[-1]:
                ats.append(entry.at)
                seqs.append(entry.seq)
    return rooms


def _head_at(moments: list[float], when: float) -> int:
    """The last number of what had happened by then."""
    for index in range(len(moments), 0, -1):
        if moments[index - 1] <= when:
            return index
    return 0


def as_json(report: Report) -> dict[str, Any]:
    """The report for a file."""
    plain = {name: value for name, value in report.__dict__.items() if name not in ("violations",)}
    plain["violations"] = [str(violation) for violation in report.violations]
    for name in ("catching_up", "timings"):
        plain[name] = {kind: list(seconds.values) for kind, seconds in plain[name].items()}
    return plain
