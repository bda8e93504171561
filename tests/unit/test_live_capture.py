"""What a live model's rows do is an event of its room, whatever wrote it, and alike on both databases."""

import datetime
import itertools
import json
import os
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from taskrealtime.engine import log
from taskrealtime.engine.log import trimming
from taskrealtime.engine.models import Event, Room
from taskrealtime.live.room_names import room_name
from taskrealtime.live.snapshots import read_records
from tests import services
from tests.support.helpdesk.installed import frames_of
from tests.support.helpdesk.models import (
    Bot,
    Call,
    Comment,
    Customer,
    Desk,
    Handover,
    Incident,
    Item,
    Legacy,
    Notice,
    Profile,
    Queue,
    QueueMembership,
    Sample,
    Shelf,
    Ticket,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("helpdesk")]
needs_postgresql = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="a program of PostgreSQL's")

Frame = dict[str, Any]


def events(owner: Any) -> list[Frame]:
    """The events of the room of a row, as clients get them, none of them missing."""
    frames = frames_of(owner)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    return frames


def contents(owner: Any) -> list[tuple[str, Any]]:
    """The events with what they say of the row, without the names that are always the same."""
    received = []
    for frame in events(owner):
        data = frame["data"]
        content = data.get("record") or data.get("changes") or data.get("moved")
        received.append((frame["event"].removeprefix("record_"), content))
    return received


def test_a_save_is_an_event_with_the_declared_fields_and_no_other(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    [frame] = events(queue)
    assert frame["event"] == "record_created"
    assert frame["room"] == f"helpdesk.queue.{queue.pk}"
    record = {"id": ticket.pk, "title": "Printer", "status": "open", "assigned_to": None, "votes": 0}
    assert frame["data"] == {"model": "helpdesk.ticket", "id": ticket.pk, "record": record, "by": None}


def test_a_change_names_what_changed_and_what_it_was(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    ticket.title, ticket.status = "Printer burns", "urgent"
    ticket.save()
    data = events(queue)[-1]["data"]
    assert data == {
        "model": "helpdesk.ticket",
        "id": ticket.pk,
        "changes": {"title": "Printer burns", "status": "urgent"},
        "previous": {"title": "Printer", "status": "open"},
        "by": None,
    }


def test_a_change_of_other_columns_and_a_save_without_a_change_are_no_events(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    ticket.save()
    Ticket.objects.update(secret="still not shown")
    assert [what for what, _ in contents(queue)] == ["created"]


def test_every_way_of_the_orm_is_captured(queue: Queue) -> None:
    one, two = Ticket.objects.bulk_create([Ticket(queue=queue, title="1"), Ticket(queue=queue, title="2")])
    first, second = one.pk, two.pk
    Ticket.objects.update(status="done")
    Ticket.objects.filter(pk=one.pk).update(votes=F("votes") + 5)
    one.votes, two.votes = 7, 8
    Ticket.objects.bulk_update([one, two], ["votes"])
    Ticket.objects.filter(pk=one.pk).delete()
    two.delete()
    whats = [(frame["event"].removeprefix("record_"), frame["data"]["id"]) for frame in events(queue)]
    assert sorted(whats[2:4]) == sorted(whats[5:7]) == [("updated", first), ("updated", second)]
    assert whats[:2] + whats[4:5] + whats[7:] == [
        ("created", first), ("created", second), ("updated", first), ("deleted", first), ("deleted", second),
    ]  # fmt: skip


def test_raw_sql_is_captured(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    with connection.cursor() as cursor:
        cursor.execute('UPDATE helpdesk_ticket SET title = %s, "the Status\'s" = %s', ["Raw", "x"])
        assert contents(queue)[-1] == ("updated", {"title": "Raw", "status": "x"})
        cursor.execute("DELETE FROM helpdesk_ticket WHERE id = %s", [ticket.pk])
    assert contents(queue)[-1] == ("deleted", False)


def test_a_row_that_gets_another_key_is_deleted_and_created(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    names = ["id"] if connection.vendor == "postgresql" else ["id", "rowid"]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"UPDATE helpdesk_ticket SET {name} = {name} + 1000")
    received = [(frame["event"], frame["data"]["id"]) for frame in events(queue)]
    keys = [ticket.pk + 1000 * number for number in range(len(names) + 1)]
    moves = [[("record_deleted", old), ("record_created", new)] for old, new in itertools.pairwise(keys)]
    assert received == [("record_created", ticket.pk), *itertools.chain(*moves)]


def test_what_another_program_writes_is_captured(queue: Queue) -> None:
    Ticket.objects.create(queue=queue, title="Printer")
    statement = "UPDATE helpdesk_ticket SET title = 'By another program'"
    if connection.vendor == "postgresql":
        params = connection.get_connection_params()
        url = (
            f"postgres://{params.get('user', '')}@{params.get('host', '')}:{params.get('port', '')}/{params['dbname']}"
        )
        env = os.environ | {"PGPASSWORD": str(params.get("password", ""))}
        subprocess.run(["psql", "-q", url, "-c", statement], check=True, env=env)
    else:
        code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()"
        subprocess.run([sys.executable, "-c", code, connection.settings_dict["NAME"], statement], check=True)
    assert contents(queue)[-1] == ("updated", {"title": "By another program"})


def test_what_is_rolled_back_never_happened(queue: Queue) -> None:
    with transaction.atomic():
        Ticket.objects.create(queue=queue, title="stays")
        with suppress(ValueError), transaction.atomic():
            Ticket.objects.create(queue=queue, title="goes")
            raise ValueError
    with suppress(ValueError), transaction.atomic():
        Ticket.objects.create(queue=queue, title="goes, too")
        raise ValueError
    assert [content["title"] for _, content in contents(queue)] == ["stays"]


def test_a_cascade_deletes_in_the_room_that_stays(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    comment, pk = Comment.objects.create(ticket=ticket, text="Hello"), ticket.pk
    ticket.delete()
    deleted = [frame["data"] for frame in events(queue) if frame["event"] == "record_deleted"]
    assert [(data["model"], data["id"]) for data in deleted] == [
        ("helpdesk.comment", comment.pk),
        ("helpdesk.ticket", pk),
    ]


def test_a_row_that_moves_is_deleted_in_one_room_and_created_in_the_other(queue: Queue) -> None:
    other = Queue.objects.create(name="Sales")
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    Ticket.objects.update(queue=other, title="Moved")
    assert contents(queue)[-1] == ("deleted", True)
    assert [(what, content["title"]) for what, content in contents(other)] == [("created", "Moved")]
    ticket.refresh_from_db()
    ticket.queue = None
    ticket.save()
    assert contents(other)[-1] == ("deleted", True)


def test_rows_behind_one_that_moves_go_with_it(queue: Queue) -> None:
    other = Queue.objects.create(name="Sales")
    ticket = Ticket.objects.create(queue=queue, title="Printer")
    comment = Comment.objects.create(ticket=ticket, text="Hello")
    ticket.queue = other
    ticket.save()
    found = [(frame["event"], frame["data"]["model"], frame["data"]["id"]) for frame in events(other)]
    assert ("record_created", "helpdesk.comment", comment.pk) in found
    assert ("record_created", "helpdesk.ticket", ticket.pk) in found
    comment.text = "Still here"
    comment.save()
    assert contents(other)[-1] == ("updated", {"text": "Still here"})


def test_a_row_that_two_keys_bring_into_a_room_is_there_once_until_the_last_key_leaves(queue: Queue) -> None:
    other = Queue.objects.create(name="Sales")
    both = Handover.objects.create(source=queue, target=queue, note="both")
    Handover.objects.filter(pk=both.pk).update(note="seen once")
    Handover.objects.filter(pk=both.pk).update(source=other)
    one = Handover.objects.create(source=queue, target=other, note="one")
    assert [row["note"] for row in read_records(room_name(Queue, queue.pk))["helpdesk.handover"]] == [
        "seen once",
        "one",
    ]
    assert [row["note"] for row in read_records(room_name(Queue, other.pk))["helpdesk.handover"]] == [
        "seen once",
        "one",
    ]
    Handover.objects.filter(pk=both.pk).update(target=None)
    one.delete()
    assert [what for what, _ in contents(queue)] == ["created", "updated", "created", "deleted", "deleted"]
    assert [what for what, _ in contents(other)] == ["created", "created", "deleted"]


def test_every_type_of_column_is_the_same_json_on_both_databases() -> None:
    desk = Desk.objects.create()
    uid = uuid.UUID("6f1c2b1e-8d4b-4c53-9a58-2f6f0f6b5a11")
    values = {
        "uid": uid,
        "price": Decimal("12.50"),
        "ratio": 0.1 + 0.2,
        "opened_at": datetime.datetime(2031, 5, 17, 12, 30, 0, 250_000, datetime.UTC),
        "due": datetime.date(2031, 5, 17),
        "at_time": datetime.time(9, 5, 7, 120_000),
        "effort": datetime.timedelta(days=1, hours=2, microseconds=5),
        "meta": {"a": [1, None, "ü"], "b": 1.5},
        "done": True,
        "blob": b"\x00\xff",
        "big": 2**62 + 1,
        "note": 'Ünï"code\n',
        "host": "10.0.0.1",
    }
    item = Item.objects.create(desk=desk, **values)
    Item.objects.update(**dict.fromkeys(values))
    created, updated = events(desk)
    assert created["data"]["record"] == {
        "id": item.pk,
        "uid": str(uid),
        "price": "12.50",
        "ratio": 0.30000000000000004,
        "opened_at": "2031-05-17T12:30:00.250000Z",
        "due": "2031-05-17",
        "at_time": "09:05:07.120000",
        "effort": "P1DT7200.000005S",
        "meta": {"a": [1, None, "ü"], "b": 1.5},
        "done": True,
        "blob": "AP8=",
        "big": 2**62 + 1,
        "note": 'Ünï"code\n',
        "host": "10.0.0.1",
    }
    assert updated["data"]["changes"] == dict.fromkeys(values)
    assert updated["data"]["previous"] == {k: v for k, v in created["data"]["record"].items() if k != "id"}


@needs_postgresql
def test_arrays_of_postgresql_are_arrays_of_what_a_column_of_the_type_would_be() -> None:
    desk = Desk.objects.create()
    uid = uuid.UUID("6f1c2b1e-8d4b-4c53-9a58-2f6f0f6b5a11")
    values: dict[str, list[Any]] = {
        "tags": ['a "b"', "{c,d}", ""],
        "grid": [[1, 2], [3, 4]],
        "prices": [Decimal("12.50"), None],
        "moments": [datetime.datetime(2031, 5, 17, 12, 30, 0, 250_000, datetime.UTC)],
        "efforts": [datetime.timedelta(days=1, hours=2, microseconds=5)],
        "uids": [uid],
        "metas": [{"a": [1, None, "ü"]}, "text"],
        "blobs": [b"\x00\xff"],
    }
    sample = Sample.objects.create(desk=desk, **values)
    expected = values | {
        "prices": ["12.50", None],
        "moments": ["2031-05-17T12:30:00.250000Z"],
        "efforts": ["P1DT7200.000005S"],
        "uids": [str(uid)],
        "blobs": ["AP8="],
    }
    assert contents(desk) == [("created", expected | {"id": sample.pk})]
    Sample.objects.update(**dict.fromkeys(values))
    assert contents(desk)[-1] == ("updated", dict.fromkeys(values))
    Sample.objects.update(tags=[], grid=[])
    assert contents(desk)[-1] == ("updated", {"tags": [], "grid": []})


@needs_postgresql
def test_odd_values_of_postgresql_are_captured() -> None:
    desk = Desk.objects.create()
    Item.objects.create(desk=desk, ratio=float("inf"), note="\\", meta="text")
    Item.objects.create(desk=desk, ratio=float("nan"), meta=[])
    assert [content["ratio"] for _, content in contents(desk)] == [None, None]
    assert [content["meta"] for _, content in contents(desk)] == ["text", []]


@pytest.mark.parametrize("code", ["plain-7", "with space", "dot.ted", "ümlaut", "", "x" * 20])
def test_keys_of_any_text_name_rooms(code: str) -> None:
    shelf = Shelf.objects.create(code=code)
    Item.objects.create(shelf=shelf, note="there")
    assert contents(shelf)[-1][1]["note"] == "there"


def test_a_proxy_and_a_multi_table_subclass_write_as_what_they_are(queue: Queue) -> None:
    Bot.objects.create(queue=queue, title="Proxy")
    incident = Incident.objects.create(queue=queue, title="Fire", severity=2)
    Ticket.objects.filter(pk=incident.pk).update(title="Big fire")
    Incident.objects.filter(pk=incident.pk).update(severity=3)
    frames = [frame["data"] for frame in events(queue)]
    received = [(data["model"], data.get("record") or data["changes"]) for data in frames if data["id"] == incident.pk]
    assert received[:2] == [
        ("helpdesk.ticket", {"id": incident.pk, "title": "Fire", "status": "open", "assigned_to": None, "votes": 0}),
        ("helpdesk.incident", {"id": incident.pk, "title": "Fire", "severity": 2}),
    ]
    # The two triggers of one table run in no order that is ours.
    assert sorted(received[2:4], key=str) == [
        ("helpdesk.incident", {"title": "Big fire"}),
        ("helpdesk.ticket", {"title": "Big fire"}),
    ]
    assert received[4:] == [("helpdesk.incident", {"severity": 3})]
    assert (frames[0]["model"], frames[0]["record"]["title"]) == ("helpdesk.ticket", "Proxy")
    incident.delete()
    assert [(frame["event"], frame["data"]["model"]) for frame in events(queue)[-2:]] == [
        ("record_deleted", "helpdesk.incident"),
        ("record_deleted", "helpdesk.ticket"),
    ]


def test_an_unmanaged_table_is_captured(queue: Queue) -> None:
    Legacy.objects.create(queue=queue, text="old")
    assert contents(queue) == [("created", {"id": 1, "text": "old"})]


def test_the_user_model_may_have_the_rooms() -> None:
    user = User.objects.create(username="ann")
    Profile.objects.create(user=user, motto="Go")
    assert contents(user)[0][1]["motto"] == "Go"


def test_a_condition_shows_rows_while_it_holds_and_a_rendering_replaces_the_fields() -> None:
    notice = Notice.objects.create(text="draft")
    assert contents(notice) == []
    Notice.objects.update(published=True)
    Notice.objects.update(text="news")
    Notice.objects.update(published=False)
    Notice.objects.update(text="hidden")
    assert contents(notice) == [
        ("created", {"id": notice.pk, "shout": "DRAFT"}), ("updated", {"shout": "NEWS"}), ("deleted", True),
    ]  # fmt: skip


def test_two_writers_are_numbered_in_the_order_of_their_changes(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="Printer")

    def write(name: str) -> None:
        try:
            for number in range(10):
                Ticket.objects.filter(pk=ticket.pk).update(title=f"{name}{number}", votes=F("votes") + 1)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = [content for what, content in contents(queue) if what == "updated"]
    assert [change["votes"] for change in changes] == list(range(1, 21))
    ticket.refresh_from_db()
    assert changes[-1]["title"] == ticket.title


def test_the_end_of_a_membership_evicts_in_the_order(queue: Queue) -> None:
    user = User.objects.create(username="ann")
    membership = QueueMembership.objects.create(queue=queue, user=user)
    Ticket.objects.create(queue=queue, title="seen")
    membership.delete()
    Ticket.objects.create(queue=queue, title="unseen")
    log.sequence([room_name(Queue, queue.pk)])
    rows = Event.objects.filter(room=room_name(Queue, queue.pk)).order_by("seq").values_list("type", "evicts")
    assert list(rows) == [("record_created", None), ("reader_removed", user.pk), ("record_created", None)]


def test_what_a_deleted_row_held_is_blank_in_the_log(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="A secret")
    Ticket.objects.update(title="Another secret")
    events(queue)
    ticket.delete()
    shown = [frame["data"] for frame in events(queue)]
    assert [data.get("redacted") for data in shown] == [True, True, True]
    assert "secret" not in json.dumps(shown)
    trimming.trim_some()
    assert not Event.objects.filter(data__contains="secret").exists()


def test_what_a_row_says_of_another_is_blank_once_that_one_is_deleted(queue: Queue) -> None:
    ann, bob = (Customer.objects.create(name=name) for name in ("Ann", "Bob"))
    Call.objects.create(queue=queue, customer=ann, words="A secret")
    Call.objects.create(queue=queue, customer=bob, words="No secret")
    Call.objects.filter(customer=ann).update(words="Another secret")
    events(queue)
    Call.objects.filter(customer=ann).update(customer=bob)
    ann.delete()
    shown = [(frame["data"].get("redacted"), frame["data"].get("record")) for frame in events(queue)]
    assert [redacted for redacted, _ in shown] == [True, None, True]
    assert (shown[0][1], shown[1][1]["words"]) == ({}, "No secret")
    trimming.trim_some()
    assert not Event.objects.filter(data__contains="A secret").exists()


def test_a_payload_over_the_bound_is_cut_to_the_ids(queue: Queue) -> None:
    ticket = Ticket.objects.create(queue=queue, title="x")
    comment = Comment.objects.create(ticket=ticket, text="x" * 300_000)
    assert events(queue)[-1]["data"] == {
        "model": "helpdesk.comment", "id": comment.pk, "truncated": True, "by": None,
    }  # fmt: skip


def test_a_declaration_without_rooms_row_makes_it_with_the_first_event(queue: Queue) -> None:
    Ticket.objects.create(queue=queue, title="x")
    assert not Room.objects.filter(name=room_name(Queue, queue.pk)).exists()
    assert room_name(Queue, queue.pk) in log.unnumbered_rooms()
    log.sequence(log.unnumbered_rooms())
    assert Room.objects.get(name=room_name(Queue, queue.pk)).head == 1
