"""The checker is right: for each kind of broken promise a small record in which it must be found, and clean ones."""

from typing import Any

import pytest

from .checker import MAX_REPLAY, Violation, blanked, check, check_early
from .record import ACKNOWLEDGED, REFUSED, UNKNOWN, Entry, Fault, Final, Frame, History, Operation, Record
from .report import true_times

ROOM, EPOCH = "project.1", "e"
ANN = {"user": {"id": 1, "username": "ann", "name": ""}, "role": "owner"}


def task(id: int, **fields: Any) -> dict[str, Any]:
    given = {"id": id, "title": f"task {id}", "description": "", "comment_count": 0, "version": 1, "updated_at": "t1"}
    return given | fields


def created(seq: int, id: int) -> Frame:
    return frame(seq, "task_created", task=task(id))


def frame(seq: int, event: str, **data: Any) -> Frame:
    return {"event": event, "room": ROOM, "seq": seq, "at": f"t{seq}", "data": data}


#: The log of these tests, and the board that it makes.
LOG = [
    created(1, 11),
    created(2, 12),
    frame(3, "task_updated", task_id=11, changes={"title": "new"}, version=2),
    frame(4, "comment_added", task_id=11, comment={"content": "hello"}),
    frame(5, "task_deleted", task_id=12),
]
EMPTY = {"project": {"id": 1, "name": "First"}, "members": [ANN], "tasks": [], "seq": 0, "epoch": EPOCH}
BOARD = EMPTY | {"tasks": [task(11, title="new", version=2, updated_at="t3", comment_count=1)], "seq": 5}


def final(**changed: Any) -> Final:
    given: dict[str, Any] = {
        "log": {ROOM: LOG},
        "heads": {ROOM: len(LOG)},
        "unnumbered": 0,
        "boards": {ROOM: BOARD},
        "records": {},
        "tasks": [11, 12],
        "comments": ["hello"],
    }
    return Final(**(given | changed))


def snapshot(board: dict[str, Any] = EMPTY) -> Entry:
    return Entry(0.0, "snapshot", room=ROOM, seq=board["seq"], data=board)


def joined(connection: int = 1, *, since: int | None = 0, head: int = 0, **facts: Any) -> Entry:
    data = {"since": since, "epoch": EPOCH, "reset": False} | facts
    return Entry(0.0, "joined", connection, ROOM, head, data=data)


def received(seqs: list[int], connection: int = 1) -> list[Entry]:
    return [Entry(float(seq), "event", connection, ROOM, seq, LOG[seq - 1]) for seq in seqs]


def closed(
    connection: int = 1, *, at: float = 50.0, code: Any = 1006, server: int = 0, injected: Any = ()
) -> list[Entry]:
    data = {"server": server, "code": code, "injected": list(injected)}
    up = Entry(0.0, "connected", 1, data={"server": server})
    return [up, Entry(at, "closed", 1, data=data)]


def record(*entries: Entry, wire: bool = True, **changed: Any) -> Record:
    history = History("ann", 1, [ROOM], wire, list(entries))
    return Record(histories=[history], final=changed.pop("final", final()), **changed)


def kinds(found: list[Violation]) -> list[str]:
    return [violation.kind for violation in found]


def operation(kind: str, token: str = "", outcome: str = ACKNOWLEDGED, attempts: int = 1, **fields: Any) -> Operation:
    return Operation(token, kind, "writer", 1, outcome=outcome, attempts=attempts, **fields)


def violations(*operations: Operation, **changed: Any) -> list[str]:
    """The findings where only these operations are judged, beside a client that received everything."""
    everything = [snapshot(), joined(), *received([1, 2, 3, 4, 5])]
    return kinds(check(record(*everything, operations=list(operations), final=final(**changed))))


# --- Clean ------------------------------------------------------------------------------------


def test_all_events_in_order_are_clean() -> None:
    assert check(record(snapshot(), joined(), *received([1, 2, 3, 4, 5]))) == []


def test_going_on_over_another_connection_is_clean() -> None:
    second = [joined(2, since=2, head=4), *received([3, 4, 5], 2)]
    assert check(record(snapshot(), joined(), *received([1, 2]), *closed(injected=["cut"]), *second)) == []


def test_a_reset_goes_on_from_a_snapshot_and_what_came_meanwhile() -> None:
    """Two events come while the snapshot is fetched, which holds one of them."""
    behind = LOG[:4]
    moved = {ROOM: [f | {"seq": f["seq"] + MAX_REPLAY + 10} for f in behind]}
    filler = [frame(seq, "project_member_updated") for seq in range(1, MAX_REPLAY + 11)]
    head = MAX_REPLAY + 10 + 4
    end = BOARD | {"tasks": [task(11, title="new", version=2, updated_at="t3", comment_count=1), task(12)]}
    reset = joined(2, since=0, head=MAX_REPLAY + 12, reset=True)
    half = EMPTY | {"tasks": [task(11, title="new", version=2, updated_at="t3"), task(12)], "seq": MAX_REPLAY + 13}
    later = [Entry(1.0, "event", 2, ROOM, f["seq"], f) for f in moved[ROOM][2:]]
    given = final(log={ROOM: filler + moved[ROOM]}, heads={ROOM: head}, boards={ROOM: end})
    assert check(record(snapshot(), reset, *later, snapshot(half), final=given)) == []


def test_texts_that_were_deleted_since_may_be_blank() -> None:
    entries = received([1, 2, 3, 4, 5])
    entries[1].frame = blanked(LOG[1])
    assert entries[1].frame["data"]["task"]["title"] == ""
    assert check(record(snapshot(), joined(), *entries)) == []


def test_what_the_page_delivers_in_order_is_clean() -> None:
    board = Entry(9.0, "board", room=ROOM, seq=5, data=BOARD)
    assert check(record(snapshot(), *received([1, 2, 3, 4, 5]), board, wire=False)) == []


# --- Numbers ----------------------------------------------------------------------------------


def test_a_hole_is_a_loss() -> None:
    assert "lost" in kinds(check(record(snapshot(), joined(), *received([1, 2, 4, 5]))))


def test_a_replay_that_begins_too_late_is_a_loss() -> None:
    second = [joined(2, since=2, head=4), *received([4, 5], 2)]
    assert "lost" in kinds(check(record(snapshot(), joined(), *received([1, 2]), *second)))


def test_not_being_at_the_head_in_the_end_is_a_loss() -> None:
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3])))) == ["lost"]


def test_a_log_that_is_shorter_than_what_was_delivered_is_a_loss() -> None:
    second = [joined(2, since=5, head=3)]
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3, 4, 5]), *second))) == ["lost"]


def test_the_same_number_again_on_a_connection_is_doubled() -> None:
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3, 3, 4, 5])))) == ["doubled"]
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3, 4, 1, 5])))) == ["doubled"]


def test_a_replay_that_begins_too_early_is_doubled() -> None:
    second = [joined(2, since=2, head=4), *received([2, 3, 4, 5], 2)]
    assert kinds(check(record(snapshot(), joined(), *received([1, 2]), *second))) == ["doubled"]


def test_a_number_that_goes_down_is_reordered() -> None:
    assert "reordered" in kinds(check(record(snapshot(), joined(), *received([1, 3, 2, 4, 5]))))


@pytest.mark.parametrize(
    "seqs,kind", [([1, 2, 2, 3, 4, 5], "doubled"), ([1, 3, 4, 5], "lost"), ([1, 2, 3, 1, 4, 5], "reordered")]
)
def test_what_the_page_delivers_otherwise_is_found(seqs: list[int], kind: str) -> None:
    assert kind in kinds(check(record(snapshot(), *received(seqs), wire=False)))


def test_an_older_snapshot_is_reordered() -> None:
    entries = [snapshot(), joined(), *received([1, 2, 3, 4, 5]), snapshot(), *received([1, 2, 3, 4, 5], 2)]
    assert "reordered" in kinds(check(record(*entries)))


def test_numbers_are_judged_while_the_run_goes_on() -> None:
    assert check_early(record(snapshot(), joined(), *received([1, 2, 3]))) == []
    assert kinds(check_early(record(snapshot(), joined(), *received([1, 3])))) == ["lost"]


# --- Resets and access --------------------------------------------------------------------------


def test_a_reset_without_need_is_found() -> None:
    second = [joined(2, since=3, head=5, reset=True), snapshot(BOARD)]
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3]), *second))) == ["reset"]


def test_a_changed_epoch_is_found() -> None:
    second = joined(2, since=5, head=5, epoch="another")
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3, 4, 5]), second))) == ["reset"]


def test_an_event_after_the_removal_is_a_leak() -> None:
    removed = Entry(3.0, "removed", 1, ROOM)
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3]), removed, *received([4, 5])))) == ["leak"] * 2
    again = [joined(1, since=3, head=4), *received([4, 5])]
    assert check(record(snapshot(), joined(), *received([1, 2, 3]), removed, *again)) == []


# --- Content and boards ---------------------------------------------------------------------------


def test_a_frame_that_the_log_does_not_have_is_found() -> None:
    entries = received([1, 2, 3, 4, 5])
    entries[2].frame = LOG[2] | {"at": "another time"}
    assert "content" in kinds(check(record(snapshot(), joined(), *entries)))


def test_a_board_that_differs_is_found() -> None:
    wrong = BOARD | {"tasks": [task(11, title="newer", version=2, updated_at="t3", comment_count=1)]}
    given = final(boards={ROOM: wrong})
    assert kinds(check(record(snapshot(), joined(), *received([1, 2, 3, 4, 5]), final=given))) == ["board"]


def test_a_board_that_the_page_kept_and_that_differs_is_found() -> None:
    board = Entry(9.0, "board", room=ROOM, seq=5, data=EMPTY)
    assert kinds(check(record(snapshot(), *received([1, 2, 3, 4, 5]), board, wire=False))) == ["board"]


def test_a_page_that_never_reported_its_board_is_found() -> None:
    assert kinds(check(record(snapshot(), *received([1, 2, 3, 4, 5]), wire=False))) == ["board"]


def test_an_event_about_a_task_that_is_not_there_is_found() -> None:
    late = EMPTY | {"seq": 2}
    assert kinds(check(record(snapshot(late), joined(since=2, head=2), *received([3, 4, 5])))) == ["board"]


# --- Effects ----------------------------------------------------------------------------------------


def test_acknowledged_effects_that_are_there_once_are_clean() -> None:
    operations = [
        operation("create", "task 11", task=11),
        operation("update", "new", task=11, answer={"version": 2}),
        operation("comment", "hello", task=11),
        operation("delete", task=12),
        operation("create", "was refused", REFUSED, answer="not_found"),
        operation("create", "nobody knows", UNKNOWN),
    ]
    assert violations(*operations) == []


@pytest.mark.parametrize(
    "kind,fields",
    [
        ("create", {"task": 11}),
        ("update", {"task": 11}),
        ("comment", {"task": 11}),
        ("rename", {}),
        ("delete", {"task": 11}),
        ("restore", {"task": 11}),
        ("add", {"user": 7}),
        ("remove", {"user": 7}),
    ],
)
def test_an_acknowledged_effect_that_is_not_in_the_log_is_lost(kind: str, fields: dict[str, Any]) -> None:
    found = violations(operation(kind, "missing", **fields))
    assert found
    assert set(found) == {"lost"}


def test_a_version_that_was_acknowledged_and_is_not_in_the_log_is_lost() -> None:
    assert violations(operation("move", task=11, answer={"version": 3})) == ["lost"]
    assert violations(operation("move", task=11, answer={"version": 2})) == []


def test_rows_that_are_missing_are_lost() -> None:
    assert violations(operation("create", "task 11", task=11), tasks=[12]) == ["lost"]
    assert violations(operation("comment", "hello", task=11), comments=[]) == ["lost"]


def test_an_effect_that_is_there_twice_is_doubled() -> None:
    again = [*LOG[:4], frame(5, "task_created", task=task(13, title="task 11"))]
    tasks: Any = BOARD["tasks"]
    board = BOARD | {"tasks": [*tasks, task(12), task(13, title="task 11")]}
    everything = [snapshot(), joined(), *received([1, 2, 3, 4]), Entry(5.0, "event", 1, ROOM, 5, again[4])]
    for outcome in (ACKNOWLEDGED, UNKNOWN):
        made = operation("create", "task 11", outcome, attempts=2, task=11)
        given = final(log={ROOM: again}, boards={ROOM: board})
        assert kinds(check(record(*everything, operations=[made], final=given))) == ["doubled"]
        assert kinds(check_early(record(*everything, operations=[made]))) == ["doubled"]


def test_two_comments_of_one_text_are_doubled() -> None:
    assert violations(operation("comment", "hello", task=11), comments=["hello", "hello"]) == ["doubled"]


def test_more_deletions_than_were_asked_for_are_doubled() -> None:
    assert violations(operation("delete", task=12, outcome=REFUSED, answer="not_found")) == ["doubled"]


def test_a_refused_change_that_was_made_is_doubled_unless_an_earlier_copy_may_have_made_it() -> None:
    assert violations(operation("create", "task 11", REFUSED, answer="forbidden")) == ["doubled"]
    assert violations(operation("create", "task 11", REFUSED, attempts=2, answer="forbidden")) == []


def test_a_refusal_that_should_not_happen_is_found() -> None:
    assert violations(operation("create", "other", REFUSED, answer="token_expired")) == ["refused"]


def test_an_error_that_no_follower_should_get_is_found() -> None:
    everything = [snapshot(), joined(), *received([1, 2, 3, 4, 5])]
    assert check(record(*everything, Entry(5.0, "error", 1, ROOM, data={"code": "internal"}))) == []
    assert kinds(check(record(*everything, Entry(5.0, "error", 1, ROOM, data={"code": "token_expired"})))) == [
        "refused"
    ]


def test_a_log_with_gaps_or_without_numbers_is_a_loss() -> None:
    assert violations(unnumbered=1) == ["lost"]
    assert "lost" in violations(log={ROOM: LOG[:2] + LOG[3:]})


def test_a_copy_in_an_inbox_is_no_double_and_a_second_one_is() -> None:
    def inbox(*seqs: int) -> dict[str, Any]:
        copies = [frame(seq, "comment_added", task_id=11, comment={"id": 5, "content": "hello"}) for seq in seqs]
        return {"log": {ROOM: LOG, "user.2": copies}, "heads": {ROOM: len(LOG), "user.2": len(copies)}}

    made = operation("comment", "hello", task=11)
    assert violations(made, **inbox(1)) == []
    assert violations(made, **inbox(1, 2)) == ["doubled"]


# --- Connections ------------------------------------------------------------------------------------


def ended(*faults: Fault, stalls: list[tuple[float, float]] | None = None, **how: Any) -> list[str]:
    """What is found where a connection ends like this, after these faults."""
    entries = [snapshot(), joined(), *received([1, 2, 3, 4, 5]), *closed(**how)]
    return kinds(check(record(*entries, faults=list(faults), stalls=stalls or [])))


def test_a_connection_that_ends_without_cause_is_found() -> None:
    assert ended() == ["closed"]
    assert ended(code=1011) == ["closed"]
    assert ended(Fault("PostgreSQL away", 40.0, 51.0)) == ["closed"]
    assert ended(Fault("server killed", 49.0, 52.0, server=1, closes=True)) == ["closed"]
    assert ended(Fault("server killed", 10.0, 12.0, server=0, closes=True)) == ["closed"]


def test_a_connection_that_ends_with_cause_is_clean() -> None:
    assert ended(injected=["cut"]) == []
    assert ended(Fault("server killed", 49.0, 52.0, server=0, closes=True)) == []
    assert ended(stalls=[(44.0, 49.0)]) == []


def test_a_stall_of_the_run_excuses_only_silence() -> None:
    assert ended(stalls=[(44.0, 49.0)], code=1011) == ["closed"]
    assert ended(stalls=[(48.0, 49.0)]) == ["closed"]


# --- Time ------------------------------------------------------------------------------------------


def late(*faults: Fault, seconds: float, injected: Any = ()) -> list[str]:
    """What is found where an acknowledged comment comes so late, after these faults."""
    up, end = closed(injected=[*injected, "cut"])
    entries = received([1, 2, 3, 4, 5])
    entries[3].at = entries[4].at = 100 + seconds
    end.at = 150.0
    made = operation("comment", "hello", task=11, ended=100.0)
    made_record = record(up, snapshot(), joined(), *entries, end, operations=[made], faults=list(faults))
    return kinds(check(made_record))


def test_an_acknowledged_change_that_comes_late_is_found() -> None:
    assert late(seconds=1) == []
    assert late(seconds=7) == ["late"]
    assert late(Fault("Redis away", 90.0, 120.0), seconds=7) == ["late"]
    assert late(Fault("server frozen", 90.0, 120.0, server=1, closes=True), seconds=7) == ["late"]


def test_what_is_late_for_a_reason_is_clean() -> None:
    assert late(Fault("server frozen", 90.0, 106.0, server=0, closes=True), seconds=7) == []
    assert late(Fault("PostgreSQL away", 101.0, 106.0, database=True), seconds=7) == []
    assert late(seconds=7, injected=["slow"]) == []


def test_a_connection_that_was_never_up_may_end() -> None:
    never_up = closed()[1]
    assert check(record(snapshot(), joined(), *received([1, 2, 3, 4, 5]), never_up)) == []


def test_a_server_that_ends_by_itself_is_found() -> None:
    assert ended(Fault("ended by itself", 49.0, 49.0, server=1, unwanted=True), injected=["cut"]) == ["server"]


def test_a_report_knows_when_things_happened_though_clocks_were_hours_off() -> None:
    violations = [10.0, 3620.0, 25.0, 1700.0, -1800.0, 2500.0, 3900.0, 7700.0]
    assert true_times(violations, begun=5.0) == [10.0, 20.0, 25.0, 1700.0, 1800.0, 2500.0, 3900.0, 4100.0]


# --- Live models ------------------------------------------------------------------------------

QUEUE = "helpdesk.queue.1"


def change(seq: int, event: str, id: int = 1, **data: Any) -> Frame:
    data |= {"model": "helpdesk.ticket", "id": id}
    return {"event": event, "room": QUEUE, "seq": seq, "at": f"t{seq}", "data": data}


CHANGES = [
    change(1, "record_created", record={"id": 1, "title": "a"}),
    change(2, "record_updated", changes={"title": "b"}, previous={"title": "a"}),
    change(3, "record_updated", changes={"title": "c"}, previous={"title": "b"}),
]


def of_queue(*operations: Operation, log: list[Frame] = CHANGES, title: str = "c") -> list[str]:
    """The findings where a client follows a queue from its beginning, and this title is in the database."""
    start = Entry(0.0, "snapshot", room=QUEUE, data={"records": {}, "seq": 0, "epoch": EPOCH})
    entries = [start, Entry(0.0, "joined", 1, QUEUE, 0, data={"since": 0, "epoch": EPOCH, "reset": False})]
    entries += [Entry(float(one["seq"]), "event", 1, QUEUE, one["seq"], one) for one in log]
    records = {QUEUE: {"helpdesk.ticket": [{"id": 1, "title": title}]}}
    given = final(log={QUEUE: log}, heads={QUEUE: len(log)}, boards={}, records=records)
    return kinds(check(Record(list(operations), [History("ann", 1, [QUEUE], True, entries)], final=given)))


def test_records_that_events_lead_to_are_clean() -> None:
    assert of_queue(operation("ticket", "a"), operation("retitle", "b"), operation("retitle", "c")) == []


def test_a_change_of_another_program_that_is_not_in_the_log_is_lost() -> None:
    assert of_queue(operation("retitle", "never logged")) == ["lost"]


def test_a_change_of_another_program_that_is_twice_in_the_log_is_doubled() -> None:
    twice = [*CHANGES, CHANGES[2] | {"seq": 4}]
    assert of_queue(operation("retitle", "c"), log=twice) == ["doubled"]


def test_changes_in_another_order_than_the_databases_are_found() -> None:
    assert of_queue(title="b") == ["board"]
