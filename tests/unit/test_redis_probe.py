"""What a server asks Redis at its start, and `/readyz` again and again."""

from urllib.parse import urlsplit

import pytest
import redis

from taskrealtime.engine.installation import redis_probe
from tests.services import shared_redis

pytestmark = [pytest.mark.services, pytest.mark.one_installation]


def probe(url: str) -> None:
    redis_probe.probe(url, key="probe", timeout=60)


def test_a_server_that_answers_can_be_worked_with() -> None:
    probe(shared_redis().url)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"path": "/999"}, "DB index is out of range"),
        ({"query": "colour=red"}, "an option of the address is wrong"),
        ({"query": "socket_timeout=soon"}, "an option of the address is wrong"),
        ({"netloc": ":hunter2@{netloc}"}, "without any password configured"),
    ],
)
def test_a_server_that_refuses_is_reported_with_its_reason(change: dict[str, str], reason: str) -> None:
    url = urlsplit(shared_redis().url)
    wrong = url._replace(**{part: value.format(netloc=url.netloc) for part, value in change.items()}).geturl()
    with pytest.raises(redis_probe.UnusableServer, match=reason) as refused:
        probe(wrong)
    assert "hunter2" not in str(refused.value)


def test_a_server_that_is_away_may_be_back() -> None:
    with pytest.raises(redis.ConnectionError):
        probe("redis://127.0.0.1:1/0")
