"""Static files as production serves them."""

import gzip
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from pytest_django import Settings


def test_collected_modules_import_each_other_by_hashed_names(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)

    paths = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    main = (tmp_path / paths["js/board/main.js"]).read_text()
    imports = re.findall(r'from\s+["\']([^"\']+)["\']', main)
    assert len(imports) > 10
    for target in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", target), target
        assert (tmp_path / "js" / "board" / target).resolve().exists(), target


def test_before_collecting_files_have_their_own_names(settings: Settings) -> None:
    settings.DEBUG = False
    assert staticfiles_storage.url("css/base.css") == "/static/css/base.css"


@pytest.mark.parametrize("page", ["board.html", "projects.html", "ops.html", "connection.html", "login.html"])
def test_a_page_weighs_less_than_150_kilobytes(settings: Settings, page: str) -> None:
    """Compressed as it is sent, all that it loads but pictures."""
    templates = [(settings.BASE_DIR / "templates" / name).read_text() for name in ("base.html", page)]
    wanted = {name for text in templates for name in re.findall(r"{% static '([^']+\.(?:css|js))' %}", text)}
    assert wanted
    files = set().union(*(_with_imports(settings.BASE_DIR / "static" / name) for name in wanted))
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files)
    assert weight < 150_000, f"{weight} bytes in {len(files)} files"


def _with_imports(file: Path) -> set[Path]:
    """The file and all modules that it imports."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        if (one := waiting.pop().resolve()) not in found:
            found.add(one)
            code = re.sub(r"/\*.*?\*/", "", one.read_text(), flags=re.DOTALL)  # Comments import types.
            waiting += [one.parent / name for name in re.findall(r"(?:from|import)\s+'(\.[^']+\.js)'", code)]
    return found
