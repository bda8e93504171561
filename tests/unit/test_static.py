"""Static files as production serves them."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings
from pytest_django import Settings

from tests.support.stacks import ROOT


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The board's static files as production has them, under their own names and under hashed ones."""
    root = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=root, STATICFILES_DIRS=[("taskrealtime", ROOT / "static")]):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "rest_framework"])
    return root


def test_collected_modules_import_each_other_by_hashed_names(collected: Path) -> None:
    paths = json.loads((collected / "staticfiles.json").read_text())["paths"]
    main = (collected / paths["taskrealtime/js/board/main.js"]).read_text()
    imports = re.findall(r'from\s+["\']([^"\']+)["\']', main)
    assert len(imports) > 10
    for target in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", target), target
        assert (collected / "taskrealtime" / "js" / "board" / target).resolve().exists(), target


def test_before_collecting_files_have_their_own_names(settings: Settings) -> None:
    settings.DEBUG = False
    assert staticfiles_storage.url("css/base.css") == "/static/css/base.css"


@pytest.mark.parametrize("path", ["js/websocket_client.js", "css/websocket_notifications.css"])
def test_what_pages_of_others_load_is_at_the_root_and_below_the_app(collected: Path, path: str) -> None:
    found = [finders.find(f"{prefix}{path}") for prefix in ("", "taskrealtime/")]
    assert found == [str(ROOT / "static" / path)] * 2
    assert (collected / "taskrealtime" / path).exists()
