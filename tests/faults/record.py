"""What happened in a run, as plain data: the answers of writers, the events of clients, the faults."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Frame = dict[str, Any]

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


@dataclass
class Operation:
    """One change that a writer requested. Its `token` is in the text that it writes, and nowhere else."""

    token: str
    #: create, update, move, delete, restore, comment, rename, add or remove; ticket or retitle of a live model.
    kind: str
    writer: str
    project: int
    task: int | None = None
    user: int | None = None
    #: What its author knows of it in the end.
    outcome: str = UNKNOWN
    #: The answer, or the code of the refusal.
    answer: Any = None
    #: How often it was sent.
    attempts: int = 0
    #: Unix times, seconds.
    began: float = 0.0
    ended: float | None = None


@dataclass
class Entry:
    """One thing that a client saw or did.

    `what` is one of
    - snapshot: it took the board `data` of `room` as after `seq`;
    - joined: a connection continues in `room`; `data` has `since`, `epoch` and `reset`, `seq` is the log's head;
    - event: the logged `frame` number `seq` of `room` came;
    - removed: it received that it may not follow `room` any more;
    - connected, closed: the connection's life; `data` has `server`, when closed also `code` and `injected`, what the
      network or the client itself did to it, if anything;
    - waiting: it returns in `data` seconds;
    - error: what was asked for `room` was answered with an error, or one came unasked: `data`;
    - board: the board that it holds of `room` at the end, `data`.
    """

    at: float
    what: str
    connection: int = 0
    room: str = ""
    seq: int = 0
    frame: Frame | None = None
    data: Any = None


@dataclass
class History:
    """Everything of one client, in order.

    `wire`: what came off its connections, before any check of its own. Where it is false (the JavaScript client),
    what it delivered to the page.
    """

    name: str
    user: int
    rooms: list[str]
    wire: bool = True
    entries: list[Entry] = field(default_factory=list)

    def note(self, what: str, **fields: Any) -> Entry:
        """Add an entry of this moment."""
        entry = Entry(time.time(), what, **fields)
        self.entries.append(entry)
        return entry


@dataclass
class Fault:
    """Something that was done to the installation: from when until it was healed, and to which server, if to one."""

    kind: str
    began: float
    healed: float | None = None
    server: int | None = None
    #: Whether a connection to that server may end of it.
    closes: bool = False
    #: Clients that it struck, where it was not the installation that was struck.
    struck: list[str] = field(default_factory=list)
    #: Whether nothing could be written or read meanwhile.
    database: bool = False
    #: Whether it was not intended: then it is the product's.
    unwanted: bool = False


@dataclass
class Final:
    """The installation at the end, all faults healed."""

    #: By room the frames of its log as they were appended, in order, and its head.
    log: dict[str, list[Frame]]
    heads: dict[str, int]
    #: Committed events that no process numbered.
    unnumbered: int
    #: By room the board of the database, with `seq` and `epoch`.
    boards: dict[str, Any]
    #: By room of a live model the records of the database, by model.
    records: dict[str, Any]
    #: Of all tasks (deleted ones, too) the ids; of all comments the texts.
    tasks: list[int]
    comments: list[str]


@dataclass
class Record:
    """One run."""

    operations: list[Operation] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    final: Final | None = None
    #: Times in which the run itself did not get to work, as (from, until): what it then sees late is not the product's.
    stalls: list[tuple[float, float]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write it as JSON, a file per kind and client, an item a line."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "operations.jsonl", self.operations)
        _write(folder / "faults.jsonl", self.faults)
        for history in self.histories:
            _write(folder / f"client-{history.name}.jsonl", history.entries)
        if self.final:
            (folder / "final.json").write_text(json.dumps(asdict(self.final)))


def _write(path: Path, items: Iterable[Any]) -> None:
    with path.open("w") as file:
        for item in items:
            file.write(json.dumps(item.__dict__) + "\n")
