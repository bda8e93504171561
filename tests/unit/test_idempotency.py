"""A key makes a change happen once."""

import threading
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction

from taskrealtime.engine.log.idempotency import once
from taskrealtime.engine.models import IdempotencyKey
from taskrealtime.engine.wire.errors import Conflict
from tests import services


class Answer(msgspec.Struct):
    """What was done."""

    number: int


class Counter:
    """Counts how often it really happened."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Answer:
        self.count += 1
        return Answer(self.count)


def ask(change: Any, *, key: str = "k", user_id: int = 1, request: bytes = b"r") -> tuple[Answer, bool]:
    with transaction.atomic():
        return once(user_id=user_id, key=key, request=request, answer_type=Answer, change=change)


@pytest.mark.django_db
def test_the_second_time_gets_the_first_answer_and_does_nothing() -> None:
    change = Counter()
    assert ask(change) == (Answer(1), False)
    assert ask(change) == (Answer(1), True)
    assert change.count == 1


@pytest.mark.django_db
def test_other_keys_and_other_users_are_other_changes() -> None:
    change = Counter()
    answers = [ask(change), ask(change, key="K"), ask(change, user_id=2)]
    assert answers == [(Answer(1), False), (Answer(2), False), (Answer(3), False)]


@pytest.mark.django_db
def test_a_key_used_for_something_else_is_a_conflict() -> None:
    change = Counter()
    ask(change)
    with pytest.raises(Conflict):
        ask(change, request=b"other")
    assert change.count == 1


@pytest.mark.django_db
def test_a_failure_is_not_remembered() -> None:
    def fail() -> Answer:
        raise RuntimeError

    change = Counter()
    with pytest.raises(RuntimeError):
        ask(fail)
    assert ask(change) == (Answer(1), False)


@pytest.mark.django_db
def test_a_key_may_hold_any_text() -> None:
    change = Counter()
    for key in ("'; --", "ключ\u2028🔑", "x" * 64):
        assert ask(change, key=key)[1] is False
        assert ask(change, key=key)[1] is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(services.TEST_STACK == "embedded", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("first_succeeds", [True, False])
def test_a_repetition_waits_for_the_first_to_end(first_succeeds: bool) -> None:
    change, answers = Counter(), []
    inside, go_on = threading.Event(), threading.Event()

    def slowly() -> Answer:
        inside.set()
        assert go_on.wait(10)
        if not first_succeeds:
            raise RuntimeError
        return change()

    def first() -> None:
        try:
            answers.append(ask(slowly))
        except RuntimeError:
            pass
        finally:
            connection.close()

    def second() -> None:
        answers.append(ask(change))
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    while not waits_for_a_lock():
        pass
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [answer for answer, _ in answers] == [Answer(1)] * len(answers)
    assert sorted(repeated for _, repeated in answers) == ([False, True] if first_succeeds else [False])
    assert change.count == 1
    assert IdempotencyKey.objects.count() == 1


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')")
        return bool(cursor.fetchone()[0])
