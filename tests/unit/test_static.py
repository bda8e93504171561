"""Static files as production serves them."""

import gzip
import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
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


def test_modules_go_without_comments_and_do_the_same(collected: Path, settings: Settings) -> None:
    """What is left of both, once esbuild has taken out all that does nothing, is the same."""
    source = settings.BASE_DIR / "static" / "js"
    names = sorted(path.relative_to(source).as_posix() for path in source.glob("*/**/*.js"))
    assert len(names) > 90
    assert _minified(source, names) == _minified(collected / "taskrealtime" / "js", names)
    for name in names:
        assert not re.search(r"^\s*(\* |//)", (collected / "taskrealtime" / "js" / name).read_text(), re.MULTILINE), (
            name
        )


@pytest.mark.parametrize("language", [code for code, _ in django_settings.LANGUAGES])
@pytest.mark.parametrize("page", ["board.html", "projects.html", "ops.html", "connection.html", "login.html"])
def test_a_page_weighs_less_than_150_kilobytes(settings: Settings, collected: Path, page: str, language: str) -> None:
    """Compressed as it is sent, all that it loads but pictures."""
    templates = [(settings.BASE_DIR / "templates" / "taskrealtime" / name).read_text() for name in ("base.html", page)]
    wanted = {name for text in templates for name in re.findall(r"{% static '([^']+\.(?:css|js))' %}", text)}
    assert wanted
    texts = re.findall(r'"taskrealtime/partials/texts.html" with folder="(\w+)"', templates[1])
    assert bool(texts) == (page != "login.html")
    if language != "en":
        wanted |= {f"taskrealtime/js/texts/{language}/{folder}.js" for folder in texts}
    files = set().union(*(_with_imports(collected / name) for name in wanted))
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files)
    assert weight < 150_000, f"{weight} bytes in {len(files)} files"


def _minified(root: Path, names: list[str]) -> dict[str, str]:
    """The code of modules as esbuild writes it, without white space and comments."""
    with tempfile.TemporaryDirectory() as out:
        command = [str(ROOT / "node_modules/.bin/esbuild"), *names, "--minify", f"--outdir={out}"]
        subprocess.run([*command, "--outbase=.", "--tsconfig-raw={}"], cwd=root, check=True, timeout=60)
        return {name: (Path(out) / name).read_text() for name in names}


def _with_imports(file: Path) -> set[Path]:
    """The file and all modules that it imports."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        if (one := waiting.pop().resolve()) not in found:
            found.add(one)
            code = re.sub(r"/\*.*?\*/", "", one.read_text(), flags=re.DOTALL)  # Comments import types.
            waiting += [one.parent / name for name in re.findall(r"""(?:from|import)\s+['"](\.[^'"]+\.js)['"]""", code)]
    return found


@pytest.mark.parametrize("path", ["js/websocket_client.js", "css/websocket_notifications.css"])
def test_what_pages_of_others_load_is_at_the_root_and_below_the_app(collected: Path, path: str) -> None:
    found = [finders.find(f"{prefix}{path}") for prefix in ("", "taskrealtime/")]
    assert found == [str(ROOT / "static" / path)] * 2
    assert (collected / "taskrealtime" / path).exists()
