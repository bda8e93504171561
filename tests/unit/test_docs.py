"""The documentation names what exists."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import taskrealtime
from taskrealtime.engine import conf

ROOT = Path(__file__).resolve().parents[2]
STORY = (ROOT / "docs" / "architecture.md").read_text()
#: Words of the protocol, of Django or of the browser that the story mentions in code font.
NOT_OURS = {"send", "update", "bulk_create", "bulk_update", "delete", "version", "ack", "epoch", "seq", "reset"}


def _code_spans(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def _our_names() -> dict[str, Any]:
    """Every module, class and function of ours, by its own name and by `module.name`."""
    names: dict[str, Any] = {}
    for info in pkgutil.walk_packages(taskrealtime.__path__, "taskrealtime."):
        if ".migrations" in info.name:
            continue
        module = importlib.import_module(info.name)
        short = info.name.rpartition(".")[2]
        for name, value in vars(module).items():
            names[name] = value
            names[f"{short}.{name}"] = value
    return names


def test_the_files_that_the_story_names_exist() -> None:
    paths = [span for span in _code_spans(STORY) if re.fullmatch(r"[\w./-]+(/|\.py|\.js|\.md)", span)]
    assert len(paths) > 25
    for path in paths:
        folders = ("", "taskrealtime", "taskrealtime/engine", "static/js/board")
        places = [ROOT / folder / path for folder in folders]
        assert any(place.exists() for place in places), path


def test_the_names_that_the_story_names_exist() -> None:
    names = _our_names()
    spans = [span for span in _code_spans(STORY) if re.fullmatch(r"[A-Za-z_]+(\.[A-Za-z_]+)?", span)]
    checked = 0
    for span in spans:
        head, _, member = span.partition(".")
        if span in NOT_OURS or span in names or span == "TaskManagerWebSocket" or member in {"py", "js", "md"}:
            checked += span in names
            continue
        owner = names.get(head)
        has_it = inspect.isclass(owner) and (hasattr(owner, member) or f"self.{member}" in inspect.getsource(owner))
        assert has_it or span.isupper(), f"`{span}` is in docs/architecture.md, but not in the code."
        checked += 1
    assert checked > 30


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["delivery.md", "security.md"])
def test_the_tests_that_the_promises_name_exist(page: str) -> None:
    named = {span for span in _code_spans((ROOT / "docs" / page).read_text()) if re.fullmatch(r"test_\w+", span)}
    assert len(named) > 30
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in sorted(named) if f"def {name}(" not in sources] == []


def test_every_setting_is_in_the_tables() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    tables = text[text.index("## Settings from the environment") :]
    assert [name for name in conf.READERS if f"`{name}`" not in tables] == []


def test_every_defence_names_the_test_that_shows_it_or_says_why_there_is_none() -> None:
    rows = re.findall(
        r"^\|(?! *(?:-|threat|point|requirement))(.*)\|$", (ROOT / "docs" / "security.md").read_text(), re.M
    )
    assert len(rows) > 50
    for row in rows:
        shown_by = row.split(" | ")[-1]
        assert re.search(r"`test_\w+`|none: \w+", shown_by), row[:100]
