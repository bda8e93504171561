"""The one file that knows the user model: keys in each of their forms, and that it is the only one."""

import ast
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from channels.layers import BaseChannelLayer

from taskrealtime.contract.room_names import user_room
from taskrealtime.engine.conf import user_model
from tests.support.stacks import HOSTS, ROOT, plain_environment, run_manage

SOME_UUID = "2e96b33f-61fb-4458-a5a0-b5badbbf1978"
#: What other code would know of users: fields that a project's model may lack, and Django's own model.
FIELDS = {"username", "first_name", "last_name", "is_staff", "is_active", "is_superuser", "email"}
OF_DJANGO = {"get_user_model", "get_username", "get_full_name", "USERNAME_FIELD", "EMAIL_FIELD"}
#: Files that speak of names by which the protocol calls them, or make users of Django's own model.
APART = {"taskrealtime/management/commands/demo.py"}


@pytest.fixture
def keys_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes the keys of users this kind of value."""

    class Field:
        def to_python(self, value: str) -> str:
            return value

    def choose(kind: type) -> None:
        monkeypatch.setattr(user_model, "_kind_of_key", lambda: kind)
        monkeypatch.setattr(user_model, "keys_are_numbers", lambda: kind is int)
        monkeypatch.setattr(user_model, "_key_field", Field)

    return choose


@pytest.mark.parametrize(
    "kind, keys",
    [
        (int, [1, 7, 2**63 - 1]),
        (UUID, [UUID(SOME_UUID)]),
        (str, ["ann", "42", "007", "a_b", "_", "ann@example.org", "ann o'hara α", "ü.-_", "%2F", "\n", "a:b c"]),
    ],
)
def test_each_form_of_a_key_is_read_back(keys_of: Any, kind: type, keys: list[Any]) -> None:
    keys_of(kind)
    for key in keys:
        assert user_model.from_text(user_model.as_text(key)) == key
        assert user_model.parse_key(user_model.on_wire(key)) == key
        assert user_model.parse_key(str(key)) == key
        assert isinstance(user_model.on_wire(key), int if kind is int else str)
    assert len({user_model.as_text(key) for key in keys}) == len(keys)


def test_keys_in_names_of_groups_are_what_channel_layers_take(keys_of: Any) -> None:
    keys_of(str)
    keys: list[Any] = ["ann o'hara α", "ann@example.org", "x" * user_model.MAX_TEXT, "é" * 8]
    for key in keys:
        group = f"{'p' * 40}.0-1.{user_room(key)}"  # the longest prefix, and two databases
        BaseChannelLayer().require_valid_group_name(group)


def test_a_key_that_is_too_long_for_names_is_recognised(keys_of: Any) -> None:
    keys_of(str)
    assert user_model.fits_names("x" * user_model.MAX_TEXT)
    assert not user_model.fits_names("x" * (user_model.MAX_TEXT + 1))
    with pytest.raises(ValueError):
        user_model.as_text("é" * user_model.MAX_TEXT)


WRONG: list[Any] = [None, True, 1.5, [], {}, "", "\0", "x" * 300, b"1"]


@pytest.mark.parametrize(
    "kind, wrong",
    [
        *product([int], [*WRONG, 0, -1, 2**63, "-1", "1.0", " 1", "٣", "1" * 50, SOME_UUID]),
        *product([UUID], [*WRONG, 1, "1", SOME_UUID + "0", "ann"]),
        *product([str], [*WRONG, 1]),
    ],
)
def test_what_no_user_can_have_is_no_key(keys_of: Any, kind: type, wrong: Any) -> None:
    keys_of(kind)
    assert user_model.parse_key(wrong) is None


def test_no_other_file_knows_the_user_model() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}"
        for path in sorted((ROOT / "taskrealtime").rglob("*.py"))
        if "migrations" not in path.parts and path.name != "user_model.py" and str(path.relative_to(ROOT)) not in APART
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _known(node)
    ]
    assert found == []


def _known(node: ast.AST) -> list[str]:
    """What of the user model a piece of code knows."""
    match node:
        case ast.ImportFrom(module="django.contrib.auth.models"):
            return [alias.name for alias in node.names if alias.name != "AnonymousUser"]
        case ast.ImportFrom(module="django.contrib.auth"):
            return [alias.name for alias in node.names if alias.name in OF_DJANGO]
        case ast.Attribute(attr=name, value=ast.Name(id=owner)) if owner != "user_model":
            is_users = owner.endswith("user") or owner in {"actor", "giver", "newcomer", "adder", "heir", "User"}
            return [name] if name in OF_DJANGO or (name in FIELDS and is_users) else []
        case ast.keyword(arg=str(name)) if name.startswith("user__"):
            return [name]
        case ast.Constant(value=str(text)) if text.startswith("user__") and text.removeprefix("user__") in FIELDS:
            return [text]
        case ast.arg(arg=name, annotation=ast.Name(id="int")) if name in {"user_id", "author_id", "assignee_id"}:
            return [f"{name}: int"]
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="int")) if name.endswith("user_id"):
            return [f"{name}: int"]
    return []


@pytest.mark.parametrize("name", ["uuid_users", "proxy_users", "email_users", "staff_users"])
def test_a_project_with_its_own_users_has_nothing_to_migrate_of_ours_and_passes_the_checks(name: str) -> None:
    env = plain_environment() | {"DJANGO_SETTINGS_MODULE": HOSTS + name, "DATABASE_URL": "sqlite://:memory:"}
    assert "No changes detected" in run_manage(["makemigrations", "--check", "--dry-run"], env)
    assert "no issues" in run_manage(["check"], env)


def test_templates_know_no_field_of_users() -> None:
    for path in sorted(Path(ROOT / "templates").rglob("*.html")):
        text = path.read_text()
        for name in ("user.id", "user.username", "user.email", "user.first_name"):
            assert f"request.{name}" not in text, path
