"""A misconfiguration is reported in one sentence before it does harm."""

from typing import Any

import pytest
from django.core import checks
from django.db import connection
from pytest_django import Settings

pytestmark = pytest.mark.services
REDIS = ["redis://localhost:6379/0"]


def found(*, deploy: bool = False) -> set[str]:
    """The ids of our messages."""
    messages = checks.run_checks(include_deployment_checks=deploy)
    ours = [message for message in messages if (message.id or "").startswith("taskrealtime.")]
    assert all(message.msg and str(message.msg).endswith(".") for message in ours)
    return {message.id or "" for message in ours}


@pytest.mark.parametrize(
    "vendor, redis, expected",
    [
        ("sqlite", [], set()),
        ("postgresql", REDIS, set()),
        ("sqlite", REDIS, {"taskrealtime.E001"}),
        ("postgresql", [], {"taskrealtime.W001"}),
        ("mysql", REDIS, {"taskrealtime.E002"}),
        ("oracle", [], {"taskrealtime.E002"}),
    ],
)
def test_database_and_layer_must_fit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, vendor: str, redis: list[str], expected: set[str]
) -> None:
    settings.REDIS_URLS = redis
    monkeypatch.setattr(type(connection), "vendor", vendor, raising=False)
    monkeypatch.setattr(connection, "vendor", vendor, raising=False)
    assert found() == expected


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("SWEEP_INTERVAL", 0, {"taskrealtime.E003"}),
        ("EVENT_RETENTION_DAYS", -1, {"taskrealtime.E003"}),
        ("WEBSOCKET_CONNECT_TIMEOUT", 0, {"taskrealtime.E003"}),
        ("WEBSOCKET_PING_INTERVAL", 0, {"taskrealtime.E003"}),
        ("WEBSOCKET_PING_TIMEOUT", 25, {"taskrealtime.E004"}),
        ("SWEEP_INTERVAL", 0.1, set()),
    ],
)
def test_times_must_make_sense(settings: Settings, name: str, value: Any, expected: set[str]) -> None:
    setattr(settings, name, value)
    assert found() == expected


def test_sockets_for_every_page_are_a_warning_of_a_deployment(settings: Settings) -> None:
    settings.WEBSOCKET_CORS_ORIGINS = ["*"]
    assert found() == set()
    assert found(deploy=True) == {"taskrealtime.W002"}
    settings.WEBSOCKET_CORS_ORIGINS = ["https://board.example"]
    assert found(deploy=True) == set()


def test_mail_from_nowhere_is_a_warning_of_a_deployment(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example", "https://board.example"
    settings.DEFAULT_FROM_EMAIL = "taskrealtime@localhost"
    assert found(deploy=True) == {"taskrealtime.W003"}
    settings.DEFAULT_FROM_EMAIL = "Board <board@example.org>"
    assert found(deploy=True) == set()


def test_links_in_mails_that_lead_anywhere_are_a_warning_of_a_deployment(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", "board@example.org"
    assert found() == set()
    assert found(deploy=True) == {"taskrealtime.W005"}
    settings.PUBLIC_URL = "https://board.example"
    assert found(deploy=True) == set()
    settings.PUBLIC_URL = "board.example"
    assert found() == {"taskrealtime.E006"}


@pytest.mark.parametrize(
    "given, identifier, words",
    [
        ({"SWEEP_INTERVALL": 1}, "taskrealtime.E009", "is 'SWEEP_INTERVAL' meant?"),
        ({"SECRET_KEY": "x"}, "taskrealtime.E009", "has no setting 'SECRET_KEY'"),
        ("REDIS_URLS", "taskrealtime.E009", "must be a dict"),
        (None, "taskrealtime.E009", "must be a dict"),
        ({"WEBSOCKET_ENABLED": "perhaps"}, "taskrealtime.E006", "True or False"),
        ({"WEBSOCKET_MAX_PROJECTS": "many"}, "taskrealtime.E006", "a number"),
        ({"WEBSOCKET_MAX_PROJECTS": 1.5}, "taskrealtime.E006", "a whole number"),
        ({"SWEEP_INTERVAL": True}, "taskrealtime.E003", "a number"),
        ({"SWEEP_INTERVAL": 0}, "taskrealtime.E003", "more than 0"),
        ({"REMIND_BEFORE_HOURS": -1}, "taskrealtime.E005", "0 or more"),
        ({"WEBSOCKET_RATE_LIMIT": "often"}, "taskrealtime.E006", "200/10s"),
        ({"REDIS_URLS": {"default": "redis://localhost"}}, "taskrealtime.E006", "a list of texts"),
        ({"REDIS_URLS": ["redis://:hunter2@localhost:port"]}, "taskrealtime.E006", "must begin with redis://"),
        ({"TRUSTED_PROXIES": [10]}, "taskrealtime.E006", "a list of texts"),
        ({"WEBSOCKET_CORS_ORIGINS": ["board.example"]}, "taskrealtime.E006", "an origin looks like"),
        ({"HTTP_STREAMED_BODIES": {"uploads": 1}}, "taskrealtime.E006", "a path like"),
        ({"SOCKET_PATH": "ws/"}, "taskrealtime.E006", "a path like"),
        ({"SIGNING_KEY": b"bytes"}, "taskrealtime.E006", "a text"),
        ({"SIGNING_KEY_FALLBACKS": "one"}, "taskrealtime.E006", "a list of texts"),
        ({"SIGNING_KEY": "weak"}, "taskrealtime.E006", "at least 32 bytes"),
    ],
)
def test_what_cannot_be_meant_in_the_dict_is_refused_in_a_sentence(
    settings: Settings, given: Any, identifier: str, words: str
) -> None:
    settings.TASKREALTIME = given
    messages = [message for message in checks.run_checks() if (message.id or "").startswith("taskrealtime.")]
    assert [message.id for message in messages] == [identifier]
    sentence = str(messages[0].msg)
    assert words in sentence
    assert "hunter2" not in sentence
