"""Who acts, what a project says itself or leaves unsaid, and how its tests and its operators see what is live."""

from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from taskrealtime.actor import acting_as
from taskrealtime.engine.installation import doorbell
from taskrealtime.engine.models import Room
from taskrealtime.live import checks, installing, live
from taskrealtime.live.registry import Declaration, Registry
from taskrealtime.live.room_names import encode_key, key_of, room_name
from tests import services
from tests.support.helpdesk.installed import frames_of
from tests.support.helpdesk.models import Comment, Handover, Item, Queue, QueueMembership, Shelf, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("helpdesk")]
needs_postgresql = pytest.mark.skipif(services.TEST_STACK == "embedded", reason="a statement of PostgreSQL's")


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann")


def actors(queue: Queue) -> list[str | None]:
    return [frame["data"]["by"] and frame["data"]["by"]["username"] for frame in frames_of(queue)]


# --- Who acts --------------------------------------------------------------------------------


def test_a_savepoint_that_is_rolled_back_names_no_earlier_user(queue: Queue, ann: User) -> None:
    with transaction.atomic():
        with acting_as(ann):
            Ticket.objects.create(queue=queue, title="Ann's")
        with suppress(ZeroDivisionError), transaction.atomic():
            Ticket.objects.create(queue=queue, title="Never")
            raise ZeroDivisionError
        Ticket.objects.create(queue=queue, title="By the system")
    assert actors(queue) == ["ann", None]


def test_events_name_the_actor_within_a_transaction_and_without_one(queue: Queue, ann: User) -> None:
    with acting_as(ann):
        ticket = Ticket.objects.create(queue=queue, title="1")
        assert ticket.pk
        with transaction.atomic():
            Ticket.objects.bulk_create([Ticket(queue=queue, title="2"), Ticket(queue=queue, title="100 %s")])
            assert Ticket.objects.filter(pk=ticket.pk).update(votes=1) == 1
    assert actors(queue) == ["ann"] * 4
    assert frames_of(queue)[0]["data"]["by"] == {"id": ann.pk, "username": "ann"}


def test_what_is_written_after_it_is_the_systems_also_in_the_same_transaction(queue: Queue, ann: User) -> None:
    with transaction.atomic():
        with acting_as(ann):
            Ticket.objects.create(queue=queue, title="hers")
        Ticket.objects.create(queue=queue, title="unowned")
    Ticket.objects.create(queue=queue, title="later")
    assert actors(queue) == ["ann", None, None]


def test_a_name_with_quotes_is_a_name(queue: Queue) -> None:
    odd = User.objects.create(username="""o'hara "%s" \\ """)
    with live.acting_as(odd):
        Ticket.objects.create(queue=queue, title="x")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE helpdesk_ticket SET votes = 3")
            assert cursor.rowcount == 1
    assert actors(queue) == [odd.username] * 2


def test_an_actor_leaves_nothing_behind(queue: Queue, ann: User) -> None:
    with suppress(ValueError), transaction.atomic(), acting_as(ann):
        Ticket.objects.create(queue=queue, title="rolled back")
        raise ValueError
    Ticket.objects.create(queue=queue, title="x")
    assert actors(queue) == [None]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM taskrealtime_live_context")
        assert cursor.fetchone() == (0,)


# --- Said by the project ----------------------------------------------------------------------


def test_an_announcement_comes_in_its_order_among_the_changes(queue: Queue, ann: User) -> None:
    with transaction.atomic(), acting_as(ann):
        Ticket.objects.create(queue=queue, title="1")
        live.tell(queue, "deployed", {"version": "1.2"})
        Ticket.objects.create(queue=queue, title="2")
    assert [frame["event"] for frame in frames_of(queue)] == ["record_created", "deployed", "record_created"]
    assert frames_of(queue)[1]["data"] == {"version": "1.2", "by": {"id": ann.pk, "username": "ann"}}


def test_an_announcement_belongs_into_a_transaction_and_a_live_room(queue: Queue) -> None:
    with pytest.raises(TransactionManagementError):
        live.tell(queue, "deployed", {})
    with transaction.atomic():
        for room, event in (("project.1", "deployed"), (queue, "record_created"), (queue, "Not a name")):
            with pytest.raises(ValueError):
                live.tell(room, event, {})


# --- Left unsaid ------------------------------------------------------------------------------


def test_what_is_written_silently_resets_the_rooms_of_the_model_and_no_other(queue: Queue) -> None:
    shelf = Shelf.objects.create(code="a")
    Item.objects.create(shelf=shelf, note="x")
    ticket = Ticket.objects.create(queue=queue, title="1")
    frames_of(shelf), frames_of(queue)
    with live.silently(Ticket):
        Ticket.objects.update(title="changed")
        Comment.objects.create(ticket=ticket, text="still captured")
    Ticket.objects.update(title="changed again")
    assert [frame["event"] for frame in frames_of(queue)[-2:]] == ["record_created", "record_updated"]
    reader = Room.objects.get(pk=room_name(Queue, queue.pk))
    assert (reader.floor, reader.head) == (2, 4)
    assert Room.objects.get(pk=room_name(Shelf, "a")).floor == 0


def test_many_rooms_are_reset_by_no_more_statements_than_one(queue: Queue) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as found, live.silently(Ticket):
            pass
        return len(found)

    Ticket.objects.create(queue=queue, title="1")
    frames_of(queue)
    alone, others = statements(), [Queue.objects.create(name="Other") for _ in range(20)]
    Ticket.objects.bulk_create([Ticket(queue=other, title="1") for other in others])
    for other in others:
        frames_of(other)
    assert statements() == alone
    assert {Room.objects.get(pk=room_name(Queue, other.pk)).floor for other in others} == {2}


@needs_postgresql
def test_a_table_that_is_emptied_at_once_resets_its_rooms(queue: Queue) -> None:
    Ticket.objects.create(queue=queue, title="1")
    frames_of(queue)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE helpdesk_ticket CASCADE")
    room = Room.objects.get(pk=room_name(Queue, queue.pk))
    assert room.floor == room.head >= 2


def test_rooms_reset_when_their_triggers_were_away(queue: Queue) -> None:
    Ticket.objects.create(queue=queue, title="1")
    frames_of(queue)
    installing.remove()
    Ticket.objects.update(title="missed")
    assert len(checks.problems()) > 5
    installing.install()
    room = Room.objects.get(pk=room_name(Queue, queue.pk))
    assert (room.floor, room.head) == (2, 2)
    assert installing.install().missing == []
    assert Room.objects.get(pk=room.pk).head == 2


# --- Hints ------------------------------------------------------------------------------------


def test_each_commit_of_a_change_says_once_that_events_wait(queue: Queue, monkeypatch: Any) -> None:
    hints: list[Any] = []
    monkeypatch.setattr(doorbell, "hint_soon", lambda *args: hints.append(args))
    Ticket.objects.create(queue=queue, title="1")
    assert len(hints) == 1
    with transaction.atomic():
        Ticket.objects.update(votes=1)
        Ticket.objects.update(votes=2)
        assert len(hints) == 1
        assert connection.run_on_commit == []
    assert len(hints) == 2
    Queue.objects.update(name="not live itself")
    assert len(hints) == 2


# --- Tests and operators of the project --------------------------------------------------------


@pytest.mark.django_db(transaction=False)
def test_a_projects_tests_see_what_a_transaction_appended(queue: Queue) -> None:
    Ticket.objects.create(queue=queue, title="before")
    with live.captured() as events, transaction.atomic():
        Ticket.objects.create(queue=queue, title="1")
        live.tell(queue, "deployed", {})
    assert [event["event"] for event in events] == ["record_created", "deployed"]
    assert events[0]["room"] == room_name(Queue, queue.pk)
    assert events[0]["data"]["record"]["title"] == "1"


def test_the_command_shows_what_is_live_and_removes_the_triggers() -> None:
    out = StringIO()
    call_command("live", stdout=out)
    assert "helpdesk.ticket (title, status, assigned_to, votes) in helpdesk.queue.<key>" in out.getvalue()
    assert "read by the members in helpdesk.QueueMembership" in out.getvalue()
    call_command("live", "--remove", stdout=out)
    assert installing.installed() == []
    with pytest.raises(CommandError, match="is missing"):
        call_command("live", stdout=out)
    call_command("live", "--install", stdout=out)
    assert checks.problems() == []


def test_triggers_that_are_not_as_declared_are_found() -> None:
    name = installing.state().wanted[0].name
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"COMMENT ON TRIGGER {name} ON helpdesk_ticket IS NULL")
        else:
            cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(f"CREATE TRIGGER {name} AFTER INSERT ON helpdesk_ticket BEGIN SELECT 1; END")
    try:
        assert [sentence for sentence, _ in checks.problems()] == [
            f"The trigger {name} on helpdesk_ticket is not as declared."
        ]
    finally:
        installing.install()


@pytest.mark.parametrize(
    "declared, id",
    [
        ({"room": "queue", "fields": ["nothing"]}, "E020"),
        ({"room": "nothing", "fields": ["title"]}, "E020"),
        ({"room": "title", "fields": ["title"]}, "E020"),
        ({"room": "queue", "fields": ["comment"]}, "E020"),
        ({"room": "queue", "fields": ["title"]}, "E022"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_an_error(declared: dict[str, Any], id: str) -> None:
    registry = Registry()
    registry.declare(Declaration(Ticket, **declared))
    assert [problem.id for problem in registry.resolved.problems] == [f"taskrealtime.{id}"]


def test_two_keys_into_the_same_rooms_that_show_different_fields_are_an_error() -> None:
    registry = Registry()
    registry.declare(Declaration(Handover, "source", ["note"]), may_read=lambda user, queue: True)
    registry.declare(Declaration(Handover, "target", ["note", "source"]))
    assert [problem.id for problem in registry.resolved.problems] == ["taskrealtime.E021"]


def test_two_rules_for_the_same_rooms_are_an_error() -> None:
    registry = Registry()
    registry.declare(Declaration(Ticket, "queue", ["title"]), members=QueueMembership)
    registry.declare_readers(Queue, lambda queues, users: [])
    assert [problem.id for problem in registry.resolved.problems] == ["taskrealtime.E023"]


@pytest.mark.parametrize("key", ["7", "with space", "ümlaut", ".", "-", "a" * 40])
def test_a_key_is_found_again_by_the_name_of_its_room(key: str) -> None:
    assert key_of(Shelf, f"helpdesk.shelf.{encode_key(key)}") == key


@pytest.mark.parametrize("room", ["007", "+7", " 7", "7.0", "x", "", ".37", "9" * 30])
def test_a_room_has_one_name(room: str) -> None:
    assert key_of(Queue, f"helpdesk.queue.{room}") is None
