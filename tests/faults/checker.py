"""The checker: finds what was wrong, by the record and the final content of the database. Pure, no I/O."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .record import ACKNOWLEDGED, REFUSED, Entry, Fault, Final, Frame, History, Operation, Record

#: More than this many missed events may be answered with a reset.
MAX_REPLAY = 2000
#: Seconds within which a connection's end is put down to what was done to its server.
AFTERMATH = 8.0
#: Seconds that the run itself stood still, after which clients may have been cut for their silence.
LONG_STALL = 2.0
#: Seconds after its acknowledgement within which a change must have reached every client that no fault hinders. The
#: promise is one sweep; the rest is for a busy machine.
LATEST = 5.0
#: What the network does to a connection so that a late event over it is no fault of the product.
HINDERED = {"frozen", "deaf", "slow", "delayed", "away"}
#: Fields that are blank in a replay where their task or comment was deleted since.
CONTENT = {"title", "description", "content", "content_html"}
#: Refusals that an operation of the writers may get; any other means that something is broken.
REFUSALS = {"not_found", "forbidden", "conflict", "invalid_data"}
#: Errors that a client that only follows rooms may get: the database is away, or the room is not theirs at the moment.
ERRORS = {"internal", "not_found"}


@dataclass(frozen=True)
class Violation:
    """A broken promise."""

    #: lost, doubled, reordered, content, board, closed, reset, leak, refused, late, server or storm.
    kind: str
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.who}: {self.what}"


def check(record: Record) -> list[Violation]:
    """Everything that was wrong in a run that has ended."""
    assert record.final is not None
    found = [*check_log(record.final), *check_effects(record.operations, record.final)]
    found += [Violation("server", f"server {fault.server}", fault.kind) for fault in record.faults if fault.unwanted]
    for history in record.histories:
        found += check_wire(history) if history.wire else check_delivered(history)
        found += check_content(history, record.final)
        found += check_ends(history, record.final)
        found += check_closes(history, record)
        found += check_errors(history)
        found += check_late(history, record)
    return found


def check_early(record: Record) -> list[Violation]:
    """What can be seen while the run continues: numbers that do not follow, and effects that clients received twice."""
    found: list[Violation] = []
    frames: dict[tuple[str, int], Frame] = {}
    for history in record.histories:
        entries = History(history.name, history.user, history.rooms, history.wire, list(history.entries))
        found += check_wire(entries) if history.wire else check_delivered(entries)
        received = [entry for entry in entries.entries if entry.what == "event" and entry.frame is not None]
        frames |= {(entry.room, entry.seq): entry.frame for entry in received if entry.frame is not None}
    effects = _Effects({"": [frame for (room, _), frame in frames.items() if not is_personal(room)]})
    for operation in record.operations:
        if (times := effects.texts[operation.kind, operation.token]) > 1:
            found.append(
                Violation("doubled", operation.writer, f"{operation.kind} {operation.token} came {times} times")
            )
    return found


# --- The log and the database ----------------------------------------------------------------


def check_log(final: Final) -> Iterator[Violation]:
    """The log itself: numbered without gaps up to its head, and nothing waits for a number."""
    if final.unnumbered:
        yield Violation("lost", "log", f"{final.unnumbered} events have no number")
    for room, frames in final.log.items():
        seqs = [frame["seq"] for frame in frames]
        if seqs != list(range(1, final.heads[room] + 1)):
            yield Violation("lost", "log", f"{room} is not numbered 1 to {final.heads[room]}")
        if is_personal(room):
            yield from _check_inbox(room, frames)


def is_personal(room: str) -> bool:
    """Whether it is a user's: it has copies of what concerns them."""
    return room.startswith("user.")


def _check_inbox(room: str, frames: list[Frame]) -> Iterator[Violation]:
    """That a user was notified of each comment once."""
    added = Counter(frame["data"]["comment"]["id"] for frame in frames if frame["event"] == "comment_added")
    for comment, times in added.items():
        if times > 1:
            yield Violation("doubled", room, f"comment {comment} was published {times} times")


class _Effects:
    """How often each effect is in the logs of projects."""

    def __init__(self, log: dict[str, list[Frame]]) -> None:
        self.texts: Counter[tuple[str, str]] = Counter()
        self.times: Counter[tuple[str, int, int | None]] = Counter()
        self.versions: set[tuple[int, int]] = set()
        for frames in (frames for room, frames in log.items() if not is_personal(room)):
            for frame in frames:
                self._count(frame["event"], frame["data"])

    def _count(self, event: str, data: dict[str, Any]) -> None:
        self.texts[effect_of({"event": event, "data": data})] += 1
        match event:
            case "task_updated":
                self.versions.add((data["task_id"], data["version"]))
            case "task_deleted":
                self.times["delete", data["task_id"], None] += 1
            case "task_restored":
                self.times["restore", data["task"]["id"], None] += 1
            case "project_member_added":
                self.times["add", data["project_id"], data["user"]["id"]] += 1
            case "project_member_removed":
                self.times["remove", data["project_id"], data["user_id"]] += 1
        if event in ("task_created", "task_restored"):
            self.versions.add((data["task"]["id"], data["task"]["version"]))


def check_effects(operations: Iterable[Operation], final: Final) -> Iterator[Violation]:
    """What was acknowledged is there exactly once; what was refused is not; of the rest nothing is there twice."""
    effects = _Effects(final.log)
    tasks, comments = set(final.tasks), Counter(final.comments)
    groups: dict[tuple[str, int, int | None], list[Operation]] = {}
    for operation in operations:
        match operation.kind:
            case "create" | "update" | "comment" | "rename" | "ticket" | "retitle":
                yield from _judge([operation], effects.texts[operation.kind, operation.token])
            case "delete" | "restore":
                groups.setdefault((operation.kind, operation.task or 0, None), []).append(operation)
            case "add" | "remove":
                groups.setdefault((operation.kind, operation.project, operation.user), []).append(operation)
        yield from _check_state(operation, effects, tasks, comments)
        if operation.outcome == REFUSED and operation.answer not in REFUSALS:
            yield Violation("refused", operation.writer, f"{operation.kind} {operation.token}: {operation.answer}")
    for group, members in groups.items():
        yield from _judge(members, effects.times[group])


def _judge(operations: list[Operation], times: int) -> Iterator[Violation]:
    """That the effect of these operations is in the log as often as it may be."""
    sure = sum(operation.outcome == ACKNOWLEDGED for operation in operations)
    # One that was sent once and refused has no effect; of several copies an earlier one may come late.
    possible = sum(operation.outcome != REFUSED or operation.attempts > 1 for operation in operations)
    first = operations[0]
    text = f"{first.kind} {first.token}: {times} times in the log, acknowledged {sure}, possible {possible}"
    if times < sure:
        yield Violation("lost", first.writer, text)
    if times > possible:
        yield Violation("doubled", first.writer, text)


def _check_state(
    operation: Operation, effects: _Effects, tasks: set[int], comments: Counter[str]
) -> Iterator[Violation]:
    """That the rows of an operation are in the database."""
    if operation.kind == "comment" and comments[operation.token] > 1:
        yield Violation("doubled", operation.writer, f"comment {operation.token} is twice in the database")
    if operation.outcome != ACKNOWLEDGED:
        return
    if operation.kind == "comment" and comments[operation.token] == 0:
        yield Violation("lost", operation.writer, f"comment {operation.token} is not in the database")
    if operation.kind == "create" and operation.task is not None and operation.task not in tasks:
        yield Violation("lost", operation.writer, f"task {operation.task} is not in the database")
    version = operation.answer.get("version") if isinstance(operation.answer, dict) else None
    changed = (operation.task or 0, version)
    if operation.kind in ("update", "move") and version is not None and changed not in effects.versions:
        yield Violation("lost", operation.writer, f"version {version} of task {operation.task} is not in the log")


# --- What a client got ------------------------------------------------------------------------


def check_wire(history: History) -> Iterator[Violation]:
    """The numbers of each room on each connection: one after the other from where it was joined."""
    joined: dict[tuple[int, str], _Joined] = {}
    positions = _Positions()
    for entry in history.entries:
        place = (entry.connection, entry.room)
        if entry.what == "joined":
            joined[place] = _Joined(entry)
            yield from _check_reset(history, entry)
        elif entry.what == "removed" and place in joined:
            joined[place].left = True
        elif entry.what == "event":
            if place not in joined:
                yield Violation("leak", history.name, f"{entry.room} {entry.seq} without having joined")
                continue
            yield from joined[place].receive(history.name, entry)
        yield from positions.follow(history.name, entry)


class _Joined:
    """One room on one connection."""

    def __init__(self, entry: Entry) -> None:
        since, reset = entry.data["since"], entry.data["reset"]
        self.last: int = entry.seq if reset or since is None else since
        self.seen: set[int] = set()
        self.left = False

    def receive(self, who: str, entry: Entry) -> Iterator[Violation]:
        text = f"{entry.room} {entry.seq} after {self.last} on connection {entry.connection}"
        if self.left:
            yield Violation("leak", who, f"{text}, after the removal")
        if entry.seq in self.seen or entry.seq == self.last:
            yield Violation("doubled", who, text)
        elif entry.seq < self.last:
            yield Violation("reordered", who, text)
        elif entry.seq > self.last + 1:
            yield Violation("lost", who, text)
        self.seen.add(entry.seq)
        self.last = max(self.last, entry.seq)


def _check_reset(history: History, entry: Entry) -> Iterator[Violation]:
    since, head = entry.data["since"], entry.seq
    if since is None:
        return
    if entry.data["reset"]:
        if 0 <= head - since <= MAX_REPLAY:
            yield Violation("reset", history.name, f"{entry.room} from {since} to {head} was reset without need")
    elif head < since:
        yield Violation("lost", history.name, f"{entry.room} ends at {head}, but {since} was delivered")
    elif head - since > MAX_REPLAY:
        yield Violation("reset", history.name, f"{entry.room} from {since} to {head} was not reset")


class _Positions:
    """How far the client got in each room, over its connections: each continues where the last one ended."""

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        #: Rooms whose snapshot is being fetched; events that come meanwhile may be newer than it.
        self.resetting: set[str] = set()
        self.epochs: set[str] = set()

    def follow(self, who: str, entry: Entry) -> Iterator[Violation]:
        if entry.what == "snapshot":
            if entry.seq < self.at.get(entry.room, 0):
                yield Violation("reordered", who, f"a snapshot of {entry.room} is older than {self.at[entry.room]}")
            self.at[entry.room] = entry.seq
            self.resetting.discard(entry.room)
        elif entry.what == "joined" and entry.data["reset"]:
            self.resetting.add(entry.room)
        elif entry.what == "event" and entry.room not in self.resetting:
            self.at[entry.room] = max(self.at.get(entry.room, 0), entry.seq)
        epoch = entry.data.get("epoch") if entry.what in ("joined", "snapshot") else None
        if epoch:
            self.epochs.add(epoch)
            if len(self.epochs) > 1:
                self.epochs = {epoch}
                yield Violation("reset", who, f"the epoch changed to {epoch}")


def check_delivered(history: History) -> Iterator[Violation]:
    """What a client hands to the page after its own check: every number once and in order, snapshots apart."""
    last: dict[str, int] = {}
    for entry in history.entries:
        if entry.what == "snapshot":
            if entry.seq < last.get(entry.room, 0):
                yield Violation(
                    "reordered", history.name, f"{entry.room}: snapshot {entry.seq} after {last[entry.room]}"
                )
            last[entry.room] = entry.seq
        elif entry.what == "event":
            before = last.get(entry.room, 0)
            text = f"{entry.room} {entry.seq} was delivered after {before}"
            if entry.seq == before:
                yield Violation("doubled", history.name, text)
            elif entry.seq < before:
                yield Violation("reordered", history.name, text)
            elif entry.seq > before + 1:
                yield Violation("lost", history.name, text)
            last[entry.room] = max(before, entry.seq)


def check_content(history: History, final: Final) -> Iterator[Violation]:
    """Every frame is what the log says, its texts blank where they were deleted since."""
    logs = {room: {frame["seq"]: frame for frame in frames} for room, frames in final.log.items()}
    for entry in history.entries:
        if entry.what != "event" or entry.frame is None:
            continue
        logged = logs.get(entry.room, {}).get(entry.seq)
        if logged is None:
            yield Violation("content", history.name, f"{entry.room} {entry.seq} is not in the log")
        elif entry.frame != logged and entry.frame != blanked(logged):
            yield Violation("content", history.name, f"{entry.room} {entry.seq} is {entry.frame}, logged as {logged}")


def blanked(frame: Frame) -> Frame:
    """The frame as it is replayed when its task or comment was deleted since."""
    return {**frame, "data": {**_without_content(frame["data"]), "redacted": True}}


def _without_content(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name in CONTENT and isinstance(item, str) else _without_content(item)
            for name, item in value.items()
        }
    return value


# --- Where a client ended -----------------------------------------------------------------------


def check_ends(history: History, final: Final) -> Iterator[Violation]:
    """In the end every client is at the head of its rooms, and its boards are the database's."""
    for room in history.rooms:
        held = rebuilt(history, room)
        head = final.heads.get(room, 0)
        if held.seq != head:
            yield Violation("lost", history.name, f"{room} ended at {held.seq}, the log at {head}")
            continue
        if (records := final.records.get(room)) is not None:
            stored = _Records({"records": records}).picture()
            if held.fault or held.board != stored:
                text = held.fault or f"{held.board} instead of {stored}"
                yield Violation("board", history.name, f"{room}: {text}")
            continue
        wanted = final.boards.get(room)
        if wanted is None:
            continue
        if held.fault:
            yield Violation("board", history.name, f"{room}: {held.fault}")
        elif (differing := _difference(held.board, wanted)) is not None:
            yield Violation("board", history.name, f"{room}: {differing}")
        boards = [entry.data for entry in history.entries if entry.what == "board" and entry.room == room]
        if not history.wire and not boards:
            yield Violation("board", history.name, f"{room}: it never reported its board")
        for kept in boards:
            if (differing := _difference(_Board(kept).picture(), wanted)) is not None:
                yield Violation("board", history.name, f"the board that it kept of {room}: {differing}")


@dataclass
class Rebuilt:
    """Where a client is in a room, and its board there; `fault` where an event could not be applied."""

    seq: int
    board: dict[str, Any] | None
    fault: str | None = None


def rebuilt(history: History, room: str) -> Rebuilt:
    """The board that the client's snapshots and events make. Events that come during a reset wait for the snapshot."""
    board: _Board | _Records | None = None
    waiting: list[Entry] | None = None
    seq, fault = 0, None
    for entry in history.entries:
        if entry.room != room:
            continue
        due: list[Entry] = []
        if entry.what == "joined":
            if entry.data["since"] is None and board is None:
                seq = max(seq, entry.seq)
            waiting = [] if entry.data["reset"] else None
        elif entry.what == "snapshot":
            board, seq = (_Records if "records" in entry.data else _Board)(entry.data), entry.seq
            due, waiting = waiting or [], None
        elif entry.what == "event" and waiting is not None:
            waiting.append(entry)
        elif entry.what == "event":
            due = [entry]
        for event in due:
            if event.seq <= seq:
                continue
            seq = event.seq
            if board is not None and event.frame is not None:
                fault = board.apply(event.frame) or fault
    return Rebuilt(seq, board.picture() if board else None, fault)


class _Board:
    """A board that events carry on."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.project = dict(snapshot["project"])
        self.members = {member["user"]["id"]: member for member in snapshot["members"]}
        self.tasks = {task["id"]: dict(task) for task in snapshot["tasks"]}

    def apply(self, frame: Frame) -> str | None:
        """Apply the event; return what prevents it."""
        try:
            APPLIERS.get(frame["event"], lambda *_: None)(self, frame["data"], frame["at"])
        except KeyError as missing:
            return f"event {frame['seq']} ({frame['event']}) tells of {missing}, which is not on the board"
        return None

    def picture(self) -> dict[str, Any]:
        """What two boards must have in common."""
        return {
            "project": self.project,
            "members": sorted(self.members.values(), key=lambda member: int(member["user"]["id"])),
            "tasks": sorted(self.tasks.values(), key=lambda task: int(task["id"])),
        }

    def put_task(self, data: Frame, at: str) -> None:
        self.tasks[data["task"]["id"]] = dict(data["task"])

    def update_task(self, data: Frame, at: str) -> None:
        self.tasks[data["task_id"]] |= {**data["changes"], "version": data["version"], "updated_at": at}

    def remove_task(self, data: Frame, at: str) -> None:
        del self.tasks[data["task_id"]]

    def add_comment(self, data: Frame, at: str) -> None:
        self.tasks[data["task_id"]]["comment_count"] += 1

    def remove_comment(self, data: Frame, at: str) -> None:
        self.tasks[data["task_id"]]["comment_count"] -= 1

    def update_project(self, data: Frame, at: str) -> None:
        self.project |= data["changes"]

    def add_member(self, data: Frame, at: str) -> None:
        self.members[data["user"]["id"]] = {"user": data["user"], "role": data["role"]}

    def remove_member(self, data: Frame, at: str) -> None:
        del self.members[data["user_id"]]


APPLIERS: dict[str, Callable[[_Board, Frame, str], None]] = {
    "task_created": _Board.put_task,
    "task_restored": _Board.put_task,
    "task_updated": _Board.update_task,
    "task_deleted": _Board.remove_task,
    "comment_added": _Board.add_comment,
    "comment_deleted": _Board.remove_comment,
    "project_updated": _Board.update_project,
    "project_member_added": _Board.add_member,
    "project_member_removed": _Board.remove_member,
}


class _Records:
    """The rows of a live room, by model and id, that events carry on."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.rows = {
            (model, record["id"]): dict(record) for model, records in snapshot["records"].items() for record in records
        }

    def apply(self, frame: Frame) -> str | None:
        """Apply the event; return what prevents it."""
        data = frame["data"]
        row = data["model"], data["id"]
        if (row in self.rows) is (frame["event"] == "record_created"):
            return f"event {frame['seq']} ({frame['event']}) does not fit what is known of {row}"
        if frame["event"] == "record_created":
            self.rows[row] = dict(data["record"])
        elif frame["event"] == "record_updated":
            self.rows[row] |= data["changes"]
        else:
            del self.rows[row]
        return None

    def picture(self) -> dict[str, Any]:
        """What two of them must have in common."""
        return {f"{model} {id}": record for (model, id), record in sorted(self.rows.items())}


def _difference(held: dict[str, Any] | None, wanted: dict[str, Any]) -> str | None:
    """The first thing in which two boards differ; None where they are the same."""
    if held is None:
        return "there is no board"
    wanted = _Board(wanted).picture()
    for name in ("project", "members"):
        if held[name] != wanted[name]:
            return f"{name} {held[name]} instead of {wanted[name]}"
    ours, theirs = ({task["id"]: task for task in board["tasks"]} for board in (held, wanted))
    if ours.keys() != theirs.keys():
        return f"tasks {sorted(ours.keys() - theirs.keys())} too many, {sorted(theirs.keys() - ours.keys())} missing"
    for id, task in theirs.items():
        if ours[id] != task:
            return f"task {ours[id]} instead of {task}"
    return None


# --- Why a connection ended -----------------------------------------------------------------------


def check_closes(history: History, record: Record) -> Iterator[Violation]:
    """No connection that was once up ends but for something that was done to it, to its server or by the client."""
    causes = [fault for fault in record.faults if fault.closes]
    # A client that could not answer pings is cut, and it is this run that could not.
    stalls = [stall for stall in record.stalls if stall[1] - stall[0] > LONG_STALL]
    up = {entry.connection for entry in history.entries if entry.what == "connected"}
    for entry in history.entries:
        if entry.what != "closed" or entry.connection not in up or entry.data["injected"]:
            continue
        server, code = entry.data["server"], entry.data["code"]
        if code == 1006 and any(begin <= entry.at <= end + AFTERMATH for begin, end in stalls):
            continue
        if not any(fault.server == server and _explains(fault, entry) for fault in causes):
            yield Violation("closed", history.name, f"connection {entry.connection} to server {server} with {code}")


def check_late(history: History, record: Record) -> Iterator[Violation]:
    """An acknowledged change reaches listeners within a sweep, Redis or not, if server and database are well."""
    acknowledged = {
        (operation.kind, operation.token): operation.ended
        for operation in record.operations
        if operation.outcome == ACKNOWLEDGED and operation.ended is not None
    }
    for entry, server in undisturbed(history):
        assert entry.frame is not None
        since = acknowledged.get(effect_of(entry.frame))
        if since is None or entry.at - since <= LATEST or _was_hindered(record, server, since, entry.at):
            continue
        text = f"{entry.room} {entry.seq} came {entry.at - since:.1f} s after its acknowledgement, from server {server}"
        yield Violation("late", history.name, text)


def undisturbed(history: History) -> Iterator[tuple[Entry, int | None]]:
    """The live events that came over connections to which the network did nothing, with the server of each."""
    if not history.wire:
        return
    hindered, servers = set(), {}
    for entry in history.entries:
        if entry.what == "closed" and HINDERED & set(entry.data["injected"]):
            hindered.add(entry.connection)
        elif entry.what == "connected":
            servers[entry.connection] = entry.data["server"]
    heads: dict[tuple[int, str], int] = {}
    for entry in history.entries:
        place = (entry.connection, entry.room)
        if entry.what == "joined":
            heads[place] = entry.seq
        is_live = entry.what == "event" and entry.seq > heads.get(place, entry.seq)  # Or it is a replay.
        if is_live and entry.frame and entry.connection in servers and entry.connection not in hindered:
            yield entry, servers[entry.connection]


def effect_of(frame: Frame) -> tuple[str, str]:
    """The kind of the operation that an event reports, and its token; ("", "") for those without one."""
    data = frame["data"]
    match frame["event"]:
        case "task_created":
            return "create", data["task"]["title"]
        case "task_updated":
            return "update", data["changes"].get("title", "")
        case "comment_added":
            return "comment", data["comment"]["content"]
        case "project_updated":
            return "rename", data["changes"]["name"]
        case "record_created":
            return "ticket", data["record"]["title"]
        case "record_updated":
            return "retitle", data["changes"]["title"]
    return "", ""


def _was_hindered(record: Record, server: int | None, begin: float, end: float) -> bool:
    """Whether the client's server, the database or the run itself was not well then."""
    causes = [fault for fault in record.faults if fault.database or (fault.closes and fault.server == server)]
    return any(_overlaps(fault, begin, end) for fault in causes) or any(
        stalled <= end and begin <= over and over - stalled > LONG_STALL for stalled, over in record.stalls
    )


def _overlaps(fault: Fault, begin: float, end: float) -> bool:
    return fault.began <= end and (fault.healed is None or fault.healed + AFTERMATH >= begin)


def check_errors(history: History) -> Iterator[Violation]:
    """Whatever fails meanwhile, clients get only the errors that the protocol has for it."""
    for entry in history.entries:
        if entry.what == "error" and entry.data["code"] not in ERRORS:
            yield Violation("refused", history.name, f"{entry.data}")


def _explains(fault: Fault, entry: Entry) -> bool:
    over = float("inf") if fault.healed is None else fault.healed
    return fault.began - 1.0 <= entry.at <= over + AFTERMATH
