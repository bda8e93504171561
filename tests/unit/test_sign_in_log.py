"""Failed sign-ins in the log: account and address, one line each, without a password."""

import logging
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from project.logs import Seldom
from tests.support.world import PASSWORD, Api

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = "a wrong guess"
FROM = "203.0.113.77"


@pytest.fixture
def ann(settings: Settings) -> User:
    settings.SIGN_IN_RATE_LIMIT = settings.SIGN_IN_ADDRESS_RATE_LIMIT = "0"
    return User.objects.create_superuser("ann", password=PASSWORD)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    def logged() -> list[str]:
        lines = [one.getMessage() for one in caplog.records if one.name == "taskrealtime.engine.passwords"]
        caplog.clear()
        return lines

    return logged


def test_each_way_to_sign_in_logs_wrong_passwords_with_name_and_address(
    ann: User, logged: Callable[[], list[str]]
) -> None:
    wrong = {"username": "ann", "password": WRONG}
    browser = Client(REMOTE_ADDR=FROM)
    browser.force_login(ann)
    again = {"old_password": WRONG, "new_password1": "a whole new battery", "new_password2": "a whole new battery"}
    for attempt in (
        lambda: Client().post("/login/", wrong, REMOTE_ADDR=FROM),
        lambda: Client().post("/admin/login/", wrong, REMOTE_ADDR=FROM),
        lambda: Client().post("/api/token/", wrong, "application/json", REMOTE_ADDR=FROM),
        lambda: browser.post("/password/", again),
    ):
        attempt()
        assert logged() == [f"A sign-in as 'ann' from {FROM} failed."]
    Api(ann).patch("/api/me/", {"email": "new@example.org", "password": WRONG})
    assert logged() == ["A sign-in as 'ann' from 127.0.0.1 failed."]


def test_a_user_who_signs_in_rightly_is_not_logged(ann: User, logged: Callable[[], list[str]]) -> None:
    assert Client().post("/login/", {"username": "ann", "password": PASSWORD}).status_code == 302
    assert logged() == []


def test_what_is_typed_for_a_name_and_is_none_is_not_written_down(ann: User, logged: Callable[[], list[str]]) -> None:
    for name in (PASSWORD, "nobody", "x\nFORGED LINE"):
        Client().post("/login/", {"username": name, "password": WRONG}, REMOTE_ADDR=FROM)
        assert logged() == [f"A sign-in from {FROM} failed: there is no such account."]


def test_a_name_is_escaped(logged: Callable[[], list[str]], settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT = settings.SIGN_IN_ADDRESS_RATE_LIMIT = "0"
    User.objects.create_user("ann\u2028\u202eé", password=PASSWORD)
    Client().post("/login/", {"username": "ann\u2028\u202eé", "password": WRONG}, REMOTE_ADDR=FROM)
    assert logged() == [f"A sign-in as 'ann\\u2028\\u202e\\xe9' from {FROM} failed."]


def test_an_inactive_account_is_logged_as_one(ann: User, logged: Callable[[], list[str]]) -> None:
    User.objects.update(is_active=False)
    Client().post("/login/", {"username": "ann", "password": PASSWORD}, REMOTE_ADDR=FROM)
    assert logged() == [f"A sign-in as 'ann' from {FROM} failed."]


def test_what_is_refused_unseen_is_logged_too(ann: User, logged: Callable[[], list[str]], settings: Settings) -> None:
    settings.SIGN_IN_ADDRESS_RATE_LIMIT = "1/1h"
    for _ in range(2):
        Client().post("/login/", {"username": "ann", "password": WRONG}, REMOTE_ADDR="203.0.113.78")
    assert logged()[1] == "A sign-in from 203.0.113.78 was refused: too many wrong passwords before."


def test_of_many_so_many_a_minute_are_written(ann: User, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        Client().post("/login/", {"username": "ann", "password": WRONG}, REMOTE_ADDR=FROM)
    lines = [one for one in caplog.records if one.name == "taskrealtime.engine.passwords"]
    seldom = Seldom(3, clock=lambda: 0.0)
    assert [seldom.filter(line) for line in lines] == [True, True, True, False, False]
    assert all(line.levelno == logging.WARNING for line in lines)
