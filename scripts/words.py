"""Collects the texts of the pages for translators, and compiles the translations. `make words` calls it.

    words.py            brings locale/*/LC_MESSAGES/django.po up to date and compiles them
    words.py LANGUAGE   begins a new language, such as `fr`

Texts come from the templates (`translate`, `blocktranslate`, `_("…")`), from Python (`_`, `gettext`, `ngettext`), from
JavaScript (`t`, `tn`) and from what the server says to people in answers of the API. Every language has one file of
them, which becomes `django.mo` for the server and `static/js/texts/<language>/` for the scripts.
"""

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from gettext import c2py  # undocumented, and what Django's own catalogues use
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "locale"
SCRIPTS = ROOT / "static/js"
TEXTS = SCRIPTS / "texts"

#: A text, or the ones for one thing and for many.
Text = str | tuple[str, str]

#: Where the server says something to a person in an answer of the API; its messages elsewhere are for programs.
_SAID = (
    "taskrealtime/access.py",
    "taskrealtime/actions/",
    "taskrealtime/engine/http/authentication.py",
    "taskrealtime/engine/passwords.py",
)
#: The folders of scripts that pages begin with; the others share what is in the first.
_FOLDERS = ["board", "connection", "ops"]
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # no date of today in the files: they change only where texts do
_WIDTH = 0  # a text is a line: no other width makes other differences


def collect() -> dict[Text, list[str]]:
    """All texts with the files, from the root, in which they stand."""
    found: dict[Text, list[str]] = {}
    for path in sorted(_files()):
        name = path.relative_to(ROOT).as_posix()
        for text in texts_of(path, name):
            places = found.setdefault(text, [])
            if name not in places:
                places.append(name)
    ones = [text if isinstance(text, str) else text[0] for text in found]
    twice = {one for one in ones if ones.count(one) > 1}
    if twice:
        raise SystemExit(f"Counted in one place, and not in another: {sorted(twice)}")
    return found


def load(language: str) -> Catalog:
    """What was translated so far."""
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def languages() -> list[str]:
    """Those that have a file."""
    return sorted(path.parent.parent.name for path in LOCALES.glob("*/LC_MESSAGES/django.po"))


def po_file(language: str) -> Path:
    """What translators write."""
    return LOCALES / language / "LC_MESSAGES/django.po"


def merge(old: Catalog, texts: dict[Text, list[str]]) -> Catalog:
    """All texts with their translations so far; what is no longer said is left out."""
    new = Catalog(old.locale, project="taskrealtime", creation_date=_EPOCH, revision_date=_EPOCH, fuzzy=False)
    new.header_comment = "# What the pages say. `make words` keeps it in step with them; see docs/architecture.md."
    new.last_translator = new.language_team = "the maintainers"
    for text, places in texts.items():
        one = text if isinstance(text, str) else text[0]
        known = old.get(one)
        fits = known is not None and known.pluralizable == isinstance(text, tuple)
        flags = {"python-format"} if re.search(r"%\(\w+\)s", one) else set()
        new.add(text, known.string if fits and known else None, [(place, 0) for place in places], flags)
    return new


def write(catalog: Catalog) -> bytes:
    """The file for translators."""
    out = io.BytesIO()
    write_po(out, catalog, width=_WIDTH, omit_header=False, sort_by_file=True, include_lineno=False)
    return re.sub(rb'"(Generated-By|Report-Msgid).*\n', b"", out.getvalue())  # names of tools are no news


def compiled(language: str) -> dict[Path, bytes]:
    """The files made from a language's: for the server, and for the scripts of each folder."""
    catalog = load(language)
    server = Catalog(catalog.locale, project="taskrealtime", creation_date=_EPOCH, revision_date=_EPOCH, fuzzy=False)
    for message in _messages(catalog):
        if any(not place.startswith("static/") for place, _ in message.locations):
            server.add(message.id, message.string)
    out = io.BytesIO()
    write_mo(out, server)
    made = {po_file(language).with_suffix(".mo"): out.getvalue()}
    for folder in _FOLDERS:
        made[TEXTS / language / f"{folder}.js"] = _module(catalog, folder).encode()
    return made


def complaints(language: str) -> Iterator[str]:
    """What is wrong with a language's file: texts that it lacks, or has too many, and translations that do not fit."""
    texts, catalog = collect(), load(language)
    written = {_key(message): message for message in _messages(catalog)}
    yield from (f"not translated: {text!r}" for text in texts if text not in written)
    yield from (f"no longer said: {text!r}" for text in written if text not in texts)
    for text, message in written.items():
        strings = _strings(message)
        ones = [text] if isinstance(text, str) else list(text)
        if not all(strings) or message.fuzzy:
            yield f"not translated: {text!r}"
        elif any(_marks(string) not in [_marks(one) for one in ones] for string in strings):
            yield f"other placeholders or tags than in English: {text!r}"


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [])


def _key(message: Message) -> Text:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def _marks(text: str) -> list[str]:
    """`{name}`, `%(name)s` and the tags, with all that is in them."""
    return sorted(re.findall(r"\{\w+\}|%\(\w+\)s|<[^>]+>", text))


# --- Where texts stand ----------------------------------------------------------------------


def _files() -> Iterator[Path]:
    yield from (ROOT / "templates").rglob("*.html")
    yield from (ROOT / "templates").rglob("*.txt")
    yield from (ROOT / "taskrealtime").rglob("*.py")
    for folder in _FOLDERS:
        yield from (SCRIPTS / folder).rglob("*.js")


def texts_of(path: Path, name: str) -> Iterator[Text]:
    """The texts of one file; `name` is its path from the root.

    Raises:
        SystemExit: one is put together when the page runs, so that it could not be translated.
    """
    source = path.read_text()
    if path.suffix == ".js":
        yield from _of_script(source, name)
    elif path.suffix == ".py":
        yield from _of_python(source, name)
    else:
        yield from _of_template(source)


_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""


def _of_template(source: str) -> Iterator[Text]:
    """Django writes a template as calls of gettext, between which all else is blanked out."""
    for arguments in re.findall(rf"\b(?:gettext|ngettext|_)\(((?:{_STRING}|[^()'\"])*)\)", templatize(source)):
        strings = [ast.literal_eval(string) for string in re.findall(_STRING, arguments)]
        if len(strings) > 1:
            yield (strings[0], strings[1])
        else:
            # Without values there is no formatting: Django asks for the text as it stands.
            yield strings[0] if "%(" in strings[0] else strings[0].replace("%%", "%")


def _of_python(source: str, name: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        texts = [text for arg in node.args if (text := _text(arg))]
        if called in {"_", "gettext", "gettext_lazy"} and texts:
            yield texts[0]
        elif called in {"ngettext", "ngettext_lazy"}:
            yield (texts[0], texts[1])
        elif name.startswith(_SAID) and called in {"Forbidden", "InvalidData", "Unauthenticated"} and texts:
            yield texts[0]
        elif name.startswith(_SAID) and called == "at" and (text := _text(node.args[-1])):
            yield text


def _text(node: ast.expr) -> str | None:
    """A text as it is written; what the server puts into one is a number."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(_text(part) or "" if isinstance(part, ast.Constant) else "{number}" for part in node.values)


def _of_script(source: str, name: str) -> Iterator[Text]:
    code = re.sub(r"/\*\*.*?\*/", "", source, flags=re.DOTALL)
    if name.endswith("/language.js"):
        return
    for call in re.finditer(r"(?<![\w.#])t\(\s*", code):
        string = re.match(_STRING, code[call.end() :])
        if not string:
            raise SystemExit(f"{name}: t() needs the text itself, at {code[call.start() :][:60]!r}")
        yield ast.literal_eval(string[0])
    for call in re.finditer(r"(?<![\w.#])tn\(", code):
        pair = re.search(rf",\s*({_STRING}),\s*({_STRING})\s*[,)]", code[call.end() :][:400])
        if not pair:
            raise SystemExit(f"{name}: tn() needs the texts themselves, at {code[call.start() :][:60]!r}")
        yield (ast.literal_eval(pair[1]), ast.literal_eval(pair[2]))


# --- What scripts load ----------------------------------------------------------------------


def _module(catalog: Catalog, folder: str) -> str:
    """A module with what the scripts of a folder say, for `language.js`."""
    wanted = [message for message in _messages(catalog) if message.string and folder in _folders(message)]
    if folder != _FOLDERS[0]:
        wanted = [message for message in wanted if _FOLDERS[0] not in _folders(message)]
    shared = "" if folder == _FOLDERS[0] else f"import './{_FOLDERS[0]}.js';\n"
    lines = [f"  {_js(_first(message))}: {_js(_value(catalog, message))},\n" for message in wanted]
    return (
        f'// Made from {po_file(str(catalog.locale)).relative_to(ROOT).as_posix()} by "make words".\n{shared}'
        f"\nObject.assign((globalThis.taskrealtimeTexts ??= {{}}), {{\n{''.join(lines)}}});\n"
    )


def _folders(message: Message) -> set[str]:
    """The folders of scripts that say it; what the API says is shown by the board's."""
    places = [place for place, _ in message.locations]
    said = {_FOLDERS[0]} if any(place.startswith(_SAID) for place in places) else set()
    return said | {place.split("/")[2] for place in places if place.startswith("static/js/")}


def _first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _value(catalog: Catalog, message: Message) -> object:
    """The translation; of what is counted, one by the name that `Intl.PluralRules` has for a number."""
    if isinstance(message.string, str):
        return message.string
    rule, index = Locale(str(catalog.locale)).plural_form, c2py(catalog.plural_expr)
    strings = _strings(message)
    return {"other": strings[-1]} | {rule(number): strings[index(number)] for number in range(200)}


def _js(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- The command ----------------------------------------------------------------------------


def main() -> None:
    """Write all files that are out of date, and report what is left to translate."""
    for language in sys.argv[1:]:
        po_file(language).parent.mkdir(parents=True, exist_ok=True)
        po_file(language).write_bytes(write(Catalog(language)))
    texts = collect()
    for language in languages():
        po_file(language).write_bytes(write(merge(load(language), texts)))
        for path, content in compiled(language).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        left = list(complaints(language))
        print(f"{language}: {len(texts)} texts, {len(left)} to look at in {po_file(language).relative_to(ROOT)}")
        for complaint in left:
            print(f"  {complaint}")


if __name__ == "__main__":
    main()
