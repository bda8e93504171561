"""Static files as production serves them."""

import json
import re
from pathlib import Path

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
