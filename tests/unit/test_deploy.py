"""The files of `deploy/`: they parse, and name only metrics that the server exports."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from taskrealtime.engine import metrics
from tests.support.stacks import ROOT

DEPLOY = ROOT / "deploy"
#: Metrics that Prometheus itself adds for each server, and for each process where there are several.
OF_PROMETHEUS = {"up", "instance", "job", "le", "pid"}
WORDS = {"sum", "by", "rate", "increase", "histogram_quantile", "min_over_time", "max", "and", "or", "on", "offset"}
WORDS |= {"label_values"}

#: What a metric's kind adds to its name.
ENDINGS = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}


def exposed() -> dict[str, set[str]]:
    """Every name of a sample that `/metrics` may have, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            for ending in ENDINGS[str(metric._type)]:
                found[metric._name + ending] = set(metric._labelnames)
    return found


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    return found


def expressions() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


def test_an_expression_names_metrics_that_are_exposed(subtests: pytest.Subtests) -> None:
    known = exposed()
    for where, expression in expressions():
        with subtests.test(where):
            bare = re.sub(r'"[^"]*"', "", expression)
            used = set(re.findall(r"\btaskrealtime_\w+", bare))
            assert used <= set(known), expression
            assert used or "up{" in expression
            labels = {label for name in used for label in known[name]} | OF_PROMETHEUS
            words = set(re.findall(r"(?<![\w.])[a-z_]\w*", re.sub(r"\[\d+[smhd]\]|offset \d+[smhd]", "", bare)))
            assert words - used - WORDS <= labels, expression


def test_brackets_of_an_expression_close() -> None:
    for where, expression in expressions():
        waiting: list[str] = []
        for sign in re.sub(r'"[^"]*"', "", expression):
            if sign in "([{":
                waiting.append(sign)
            elif sign in ")]}":
                assert waiting, f"{where}: {expression}"
                assert waiting.pop() + sign in {"()", "[]", "{}"}, f"{where}: {expression}"
        assert not waiting, f"{where}: {expression}"
        assert expression.count('"') % 2 == 0, f"{where}: {expression}"


def at_the_start() -> dict[str, list[dict[str, str]]]:
    """Every sample that a process exports before anything happened: name to its sets of labels."""
    command = [sys.executable, "-c", "from taskrealtime.engine import metrics; print(metrics.exposition().decode())"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    samples: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample.labels)
    return samples


def test_the_first_of_what_an_alert_counts_raises_it(subtests: pytest.Subtests) -> None:
    """Prometheus sees no increase in a series that begins with 1: what is counted has to be there as 0."""
    samples = at_the_start()
    for rule in alerts():
        with subtests.test(rule["alert"]):
            for name, _, inside in re.findall(r"(taskrealtime_\w+_total)(\{([^}]*)\})?", rule["expr"]):
                assert name in samples
                wanted = {label: set(values.split("|")) for label, values in re.findall(r'(\w+)=~?"([^"]*)"', inside)}
                for label, values in wanted.items():
                    assert values <= {labels.get(label) for labels in samples[name]}, (name, label)


def test_counters_are_asked_for_their_rate() -> None:
    for where, expression in expressions():
        for counter in re.findall(r"(taskrealtime_\w+_(?:total|bucket|count))(?:\{[^}]*\})?(.)?", expression):
            assert counter[1] == "[", f"{where}: {counter[0]} only ever grows: ask for its rate."


def test_every_figure_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in exposed()}
    assert {family for family in families if family not in shown} == set()


def test_every_alert_says_what_it_means_and_the_page_what_to_do() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description"} == set(rule["annotations"])
        assert f"`{rule['alert']}`" in page, rule["alert"]
    assert len(alerts()) >= 10


def test_panels_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= own
