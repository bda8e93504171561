"""What the pages say, in every language: nothing is missing, and what was compiled is what was written."""

import json
import re
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings

from scripts import words
from taskrealtime.languages import LANGUAGES as PAGE_LANGUAGES

LANGUAGES = words.languages()


def test_the_settings_name_english_and_the_languages_that_have_a_file() -> None:
    assert sorted(code for code, _ in settings.LANGUAGES) == sorted(PAGE_LANGUAGES) == sorted(["en", *LANGUAGES])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    """After adding a text, call `make words` and translate it in `locale/<language>/LC_MESSAGES/django.po`."""
    assert list(words.complaints(language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    assert words.po_file(language).read_bytes() == words.write(words.merge(words.load(language), words.collect()))
    for path, content in words.compiled(language).items():
        assert _texts(path.name, path.read_bytes()) == _texts(path.name, content), f"{path}: call make words"


def test_every_way_of_saying_something_is_found(tmp_path: Path) -> None:
    html = (
        '{% load i18n %}{% translate "One" %}<p title="{% translate \'Two\' %}">{% include "x" with hint=_("Three") %}'
        "{% blocktranslate with a=b %}Four {{ a }}{% endblocktranslate %}"
        "{% blocktranslate count n=many %}{{ n }} five{% plural %}{{ n }} fives{% endblocktranslate %}"
    )
    script = (
        "/** t('no') */\nset(t('One'), `${t('Two {a}', { a: quote('x') })}`);\n"
        "tn(total('x'), '{count} y', '{count} ys');"
    )
    code = (
        "from x import gettext_lazy as _\nA = _('One')\nraise Forbidden('Two')\nraise InvalidData.at('field', 'Three')"
    )
    found = {}
    for name, source in {"a.html": html, "a.js": script, "taskrealtime/actions/tasks.py": code}.items():
        path = tmp_path / Path(name).name
        path.write_text(source)
        found[name] = list(words.texts_of(path, name))
    assert found == {
        "a.html": ["One", "Two", "Three", "Four %(a)s", ("%(n)s five", "%(n)s fives")],
        "a.js": ["One", "Two {a}", ("{count} y", "{count} ys")],
        "taskrealtime/actions/tasks.py": ["One", "Two", "Three"],
    }


def test_a_text_that_is_not_written_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    for script in ("t(text)", "t(`a ${b}`)", "tn(count, one, many)"):
        path.write_text(script)
        with pytest.raises(SystemExit, match=r"itself|themselves"):
            list(words.texts_of(path, "a.js"))


def test_templates_say_nothing_that_is_not_translated() -> None:
    """Text between tags, and in attributes that people read."""
    for path in sorted((settings.BASE_DIR / "templates").rglob("*.html")):
        source = re.sub(
            r"{% comment %}.*?{% endcomment %}|{#.*?#}|{% blocktranslate.*?{% endblocktranslate %}|<kbd>.*?</kbd>"
            r"|{% block body_attributes %}.*?{% endblock %}",
            "",
            path.read_text(),
            flags=re.DOTALL,
        )
        attributes = re.findall(r'\s(?:aria-label|title|placeholder|alt)="([^"{]*[a-z]{2}[^"{]*)"', source)
        bare = re.sub(r"<[^<>]*>", "\n", re.sub(r"{[{%].*?[}%]}", "", source))
        left = [line.strip() for line in bare.splitlines() if re.search(r"[A-Za-z]{2}", line)]
        assert [
            *attributes,
            *(text for text in left if not text.startswith(("· taskrealtime", "taskrealtime"))),
        ] == [], path


def _texts(name: str, content: bytes) -> object:
    """What a compiled file says, whatever tool wrote it."""
    if name.endswith(".mo"):
        catalog = dict(GNUTranslations(BytesIO(content))._catalog)  # type: ignore[attr-defined]
        catalog.pop("")
        return catalog
    head, _, texts = content.decode().partition("??= {}), {\n")
    return head, json.loads("{" + texts.removesuffix(",\n});\n") + "}")
