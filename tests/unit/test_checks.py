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
