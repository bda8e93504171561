"""A wrong setting is refused at the start, in a sentence; a right one works in each of its spellings."""

import runpy
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from taskrealtime.engine import conf
from taskrealtime.engine.conf.values import read_network, read_origin, read_redis_url, read_secret_key
from tests.support.stacks import ROOT

PRODUCTION = {"SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789", "ALLOWED_HOSTS": "board.example.org"}


@pytest.mark.parametrize(
    "text, origin",
    [
        ("https://board.example.org", "https://board.example.org"),
        ("HTTPS://Board.Example.org/", "https://board.example.org"),
        ("https://board.example.org:443", "https://board.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0::1]", "http://[::1]"),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(text: str, origin: str) -> None:
    assert read_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "board.example.org",
        "https://",
        "https://*.example.org",
        "https://board.example.org:*",
        "https://board.example.org:99999",
        "https://board.example.org/board",
        "https://board.example.org?x",
        "https://ann@board.example.org",
        "wss://board.example.org",
        "https://" + "a" * 64 + ".example",
        "null",
        "",
    ],
)
def test_what_no_browser_sends_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match=r"origin|host"):
        read_origin(text)


@pytest.mark.parametrize(
    "text, url",
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://localhost", "redis://localhost"),
        ("rediss://:secret@redis.example:6380/1", "rediss://:secret@redis.example:6380/1"),
        ("valkey://localhost:6379/2", "redis://localhost:6379/2"),
        ("valkeys://localhost:6379/2", "rediss://localhost:6379/2"),
        ("unix:///run/redis.sock?db=3", "unix:///run/redis.sock?db=3"),
    ],
)
def test_every_right_spelling_of_a_redis_url_is_read(text: str, url: str) -> None:
    assert read_redis_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "localhost:6379",
        "localhost",
        "redis:localhost",
        "redis://",
        "redis://:hunter2@",
        "redis://:hunter2@localhost:port/0",
        "redis://:hunter2@localhost:6379/first",
        "redis+sentinel://:hunter2@localhost:26379/mymaster/0",
        "redis+cluster://:hunter2@localhost:6379",
        "unix://",
        "http://:hunter2@localhost:6379",
        "postgres://:hunter2@localhost",
    ],
)
def test_another_redis_url_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"Sentinel|Cluster|must|needs") as refused:
        read_redis_url(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "2000::/3", "everybody", "10.0.0.0/33"])
def test_a_network_of_strangers_is_no_proxy(text: str) -> None:
    with pytest.raises(ValueError, match=r"strangers|look like"):
        read_network(text)


@pytest.mark.parametrize("text", ["10.0.0.7", "10.0.0.0/8", "192.168.1.9/24", "fd00::/16", "::1"])
def test_a_network_of_proxies_is_one(text: str) -> None:
    assert read_network(text).num_addresses >= 1


@pytest.mark.parametrize("text", ["", "short", "x" * 60, "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2])
def test_a_weak_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        read_secret_key(text)


def settings_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """Read the project's settings in this environment."""
    for name in ("DEBUG", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (PRODUCTION | environment).items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "project" / "settings.py"))


@pytest.mark.parametrize(
    "environment, named",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "secret"}, "SECRET_KEY"),
        ({"DEBUG": "1"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "1", "ALLOWED_HOSTS": "localhost,10.0.0.5"}, "DEBUG_IN_NETWORK"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://a.example, redis+sentinel://:hunter2@b.example"}, "REDIS_URL"),
        ({"DATABASE_URL": "mysql://ann:hunter2@localhost/board"}, "DATABASE_URL"),
        ({"DATABASE_URL": "oracle://ann:hunter2@localhost/board"}, "DATABASE_URL"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://ann:hunter2@localhost:port/board"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://ann:hunter2@localhost"}, "DATABASE_URL"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES"),
        ({"WEBSOCKET_CORS_ORIGINS": "https://*.example.org"}, "WEBSOCKET_CORS_ORIGINS"),
        ({"WEBSOCKET_CORS_ORIGINS": "board.example.org"}, "WEBSOCKET_CORS_ORIGINS"),
        ({"CSRF_TRUSTED_ORIGINS": "board.example.org"}, "CSRF_TRUSTED_ORIGINS"),
        ({"WEBSOCKET_MAX_PROJECTS": "1.5"}, "WEBSOCKET_MAX_PROJECTS"),
        ({"WEBSOCKET_MAX_HANDSHAKES": "-1"}, "WEBSOCKET_MAX_HANDSHAKES"),
        ({"EMAIL_PORT": "smtp"}, "EMAIL_PORT"),
        ({"ACCESS_TOKEN_MINUTES": "0"}, "ACCESS_TOKEN_MINUTES"),
        ({"SWEEP_INTERVAL": "nan"}, "SWEEP_INTERVAL"),
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://login.example.org"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "board"}, "OIDC_CLIENT_SECRET"),
        ({"EVENT_RETENTION_DAYS": "inf"}, "EVENT_RETENTION_DAYS"),
    ],
)
def test_a_wrong_setting_stops_the_start_in_a_sentence_without_a_password(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=named) as refused:
        settings_of(monkeypatch, **environment)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_right_setting_is_read_in_each_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings_of(
        monkeypatch,
        REDIS_URL="valkey://one.example:6379/1, unix:///run/redis.sock",
        DATABASE_URL="postgresql://ann:secret@%2Frun%2Fpostgresql/board",
        WEBSOCKET_CORS_ORIGINS="https://Board.example.org:443",
        TRUSTED_PROXIES="10.0.0.7, unix",
    )
    assert read["REDIS_URLS"] == ["redis://one.example:6379/1", "unix:///run/redis.sock"]
    assert read["DATABASES"]["default"]["HOST"] == "/run/postgresql"
    assert read["WEBSOCKET_CORS_ORIGINS"] == ["https://board.example.org"]
    assert read["CSRF_TRUSTED_ORIGINS"] == []


def test_debugging_over_a_network_is_possible_where_it_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings_of(monkeypatch, DEBUG="1", ALLOWED_HOSTS="localhost,192.168.1.4", DEBUG_IN_NETWORK="1")
    assert read["DEBUG"]


def test_the_dict_counts_before_a_setting_of_the_same_name(settings: Settings) -> None:
    settings.SWEEP_INTERVAL = 3
    settings.PUBLIC_URL = {"means": "something else to the project"}
    settings.TASKREALTIME = {"PUBLIC_URL": "https://Board.example.org/"}
    assert conf.settings.PUBLIC_URL == "https://board.example.org"
    assert conf.settings.SWEEP_INTERVAL == 3
    assert conf.settings.WEBSOCKET_PING_INTERVAL == 25


def test_a_name_that_came_with_the_dict_counts_in_it_alone(settings: Settings) -> None:
    settings.SOCKET_PATH = "/the/projects/own"
    assert conf.settings.SOCKET_PATH == "/ws/"
    settings.TASKREALTIME = {"SOCKET_PATH": "/live/"}
    assert conf.settings.SOCKET_PATH == "/live/"


def test_the_dict_is_read_in_each_spelling_that_the_environment_has(settings: Settings) -> None:
    settings.TASKREALTIME = {
        "REDIS_URLS": "valkey://one.example:6379/1, unix:///run/redis.sock",
        "WEBSOCKET_ENABLED": "0",
        "WEBSOCKET_MAX_PROJECTS": "7",
        "WEBSOCKET_RATE_LIMIT": 0,
        "HTTP_STREAMED_BODIES": "/uploads/=1000000000",
    }
    assert conf.settings.REDIS_URLS == ["redis://one.example:6379/1", "unix:///run/redis.sock"]
    assert conf.settings.WEBSOCKET_ENABLED is False
    assert conf.settings.WEBSOCKET_MAX_PROJECTS == 7
    assert conf.settings.WEBSOCKET_RATE_LIMIT == "0"
    assert conf.settings.HTTP_STREAMED_BODIES == {"/uploads/": 1000000000}


@pytest.mark.parametrize("given", [{"SWEEP_INTERVALL": 1}, {"SWEEP_INTERVAL": "often"}, ["SWEEP_INTERVAL"]])
def test_the_first_use_refuses_what_cannot_be_meant(settings: Settings, given: Any) -> None:
    settings.TASKREALTIME = given
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match="TASKREALTIME"):
            conf.settings.WEBSOCKET_PING_INTERVAL  # noqa: B018


def test_every_setting_has_a_default_that_its_reader_takes() -> None:
    assert {name: read(conf.default_of(name)) for name, read in conf.READERS.items()} == {
        name: conf.default_of(name) for name in conf.READERS
    }
