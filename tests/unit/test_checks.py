"""A misconfiguration is reported in one sentence before it does harm."""

import subprocess
import sys
from typing import Any

import pytest
from django.core import checks
from django.db import connection
from django.urls import include, path
from pytest_django import Settings

from tests.support.stacks import ROOT

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
    settings.REDIS_URLS, settings.CHANNEL_LAYERS = redis, {}
    monkeypatch.setattr(type(connection), "vendor", vendor, raising=False)
    monkeypatch.setattr(connection, "vendor", vendor, raising=False)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"transaction_mode": "IMMEDIATE"})
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
        ({"SIGN_IN_LINKS": [("Example Inc.",)]}, "taskrealtime.E006", "a list of pairs"),
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


# --- In a project of others --------------------------------------------------------------------


class NoBoard:
    """A URLconf without the board."""

    urlpatterns: list[Any] = []


class BoardOnly:
    """A URLconf with the board and nothing else."""

    urlpatterns = [path("board/", include("taskrealtime.urls"))]


class NoSlash:
    """A URLconf whose board would be at `/board`, with its API at `/boardapi/`."""

    urlpatterns = [path("board", include("taskrealtime.urls"))]


def templates(**options: Any) -> list[dict[str, Any]]:
    return [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}]


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("USE_TZ", False, {"taskrealtime.E010"}),
        ("ROOT_URLCONF", NoBoard, {"taskrealtime.E012"}),
        ("ROOT_URLCONF", NoSlash, {"taskrealtime.E012"}),
        ("MIDDLEWARE", ["django.middleware.common.CommonMiddleware"], {"taskrealtime.E013"}),
        ("TEMPLATES", templates(loaders=[]), {"taskrealtime.E014"}),
        ("STATICFILES_DIRS", [], {"taskrealtime.E015"}),
        ("STATICFILES_FINDERS", [], {"taskrealtime.E015"}),
    ],
)
def test_what_the_board_needs_of_a_project_is_said(
    settings: Settings, name: str, value: Any, expected: set[str]
) -> None:
    setattr(settings, name, value)
    assert found() == expected


@pytest.mark.parametrize(
    "address, expected",
    [
        ("/accounts/login/", {"taskrealtime.W009"}),
        ("no-such-name", {"taskrealtime.W009"}),
        ("/board/?next=/", set()),
        ("https://sign-in.example.org/", set()),
    ],
)
def test_a_login_url_that_leads_nowhere_is_a_warning(settings: Settings, address: str, expected: set[str]) -> None:
    settings.ROOT_URLCONF = BoardOnly
    settings.LOGIN_URL = address
    assert found() == expected


def test_mail_is_no_matter_of_a_board_without_account_pages(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", "taskrealtime@localhost"
    settings.ROOT_URLCONF, settings.LOGIN_URL = BoardOnly, "/board/"
    assert found(deploy=True) == set()


def test_a_layer_in_memory_beside_redis_is_a_warning(settings: Settings) -> None:
    settings.REDIS_URLS = REDIS
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert "taskrealtime.W007" in found()
    settings.CHANNEL_LAYERS = {}
    assert "taskrealtime.W007" not in found()


def test_sqlite_without_immediate_transactions_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(connection), "vendor", "sqlite", raising=False)
    monkeypatch.setattr(connection, "vendor", "sqlite", raising=False)
    settings.REDIS_URLS = []
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    assert found() == {"taskrealtime.W006"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"transaction_mode": "immediate"})
    assert found() == set()


@pytest.mark.parametrize(
    "apps, missing, words",
    [
        (["taskrealtime"], "", 'Add "taskrealtime.engine" to INSTALLED_APPS'),
        (["taskrealtime.engine", "taskrealtime"], "nh3", 'The board needs nh3: pip install "taskrealtime[board]"'),
    ],
)
def test_what_is_missing_when_django_starts_is_said_in_a_sentence(apps: list[str], missing: str, words: str) -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing.split()}))\n"
        "from django.conf import settings\n"
        f"apps = ['django.contrib.auth', 'django.contrib.contenttypes', *{apps}]\n"
        f"settings.configure(SECRET_KEY='{'x' * 50}', INSTALLED_APPS=apps)\n"
        "import django; django.setup()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith(f"django.core.exceptions.ImproperlyConfigured: {words}")
