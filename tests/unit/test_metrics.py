"""`/metrics`: what is counted, and who may read it."""

import pytest
from django.test import Client
from prometheus_client.metrics import MetricWrapperBase
from pytest_django import Settings

from taskrealtime.api.asyncapi import CLOSE_CODES
from taskrealtime.engine import metrics
from tests.support.metrics import value


def test_it_is_open_where_no_token_is_set(client: Client) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert "# TYPE taskrealtime_connections gauge" in answer.content.decode()


@pytest.mark.parametrize("sent, status", [("", 401), ("Bearer wrong", 401), ("secret", 401), ("Bearer secret", 200)])
def test_a_token_closes_it(client: Client, settings: Settings, sent: str, status: int) -> None:
    settings.METRICS_TOKEN = "secret"
    answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == status
    assert (b"taskrealtime_" in answer.content) == (status == 200)


@pytest.mark.django_db
def test_errors_over_http_count(client: Client) -> None:
    before = value(metrics.exposition().decode(), "taskrealtime_errors_total", code="unauthenticated")
    assert client.get("/api/projects/").status_code == 401
    after = value(metrics.exposition().decode(), "taskrealtime_errors_total", code="unauthenticated")
    assert after == before + 1


def test_every_way_to_end_is_counted_from_the_start() -> None:
    ends = {labels["code"] for labels in _labels(metrics.CONNECTIONS_ENDED)}
    assert ends >= {str(code) for code in CLOSE_CODES if code != 1000} | {"left"}


def _labels(metric: MetricWrapperBase) -> list[dict[str, str]]:
    return [sample.labels for family in metric.collect() for sample in family.samples]


def test_no_label_holds_an_id() -> None:
    names = {name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())}
    assert names == {"code", "outcome", "source", "event", "kind", "what", "status", "state"}
