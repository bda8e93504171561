"""Names hold nothing that cannot be seen, and no two accounts differ in the case of their names alone."""

import io
import threading

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from taskrealtime.actions import members
from taskrealtime.engine.wire.errors import InvalidData
from taskrealtime.pages.forms import ProjectForm
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.django_db(transaction=True)

#: Behind the letters of a name each of these is invisible.
INVISIBLE = [
    "\u1160", "\u115f", "\u3164", "\uffa0", "\u00ad", "\u034f", "\u200b", "\u200d", "\u2060", "\ufeff", "\ufe0f",
    "\u17b4",
    "\u180e", "\u202e", "\u2066", "\x00", "\x01", "\x1f", "\x7f", "\x85", "\n", "\u2028", "\U000e0041", "\U0001d173",
    "\ud800",
]  # fmt: skip


def sign_up(name: str) -> int:
    form = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
    return Client().post("/sign-up/", form).status_code


@pytest.mark.parametrize("character", [one for one in INVISIBLE if one != "\ud800"], ids=ascii)
def test_no_user_signs_up_under_a_name_with_something_invisible(settings: Settings, character: str) -> None:
    settings.OPEN_SIGN_UP = True
    for name in (f"ann{character}x", f"an{character}n", character):
        assert sign_up(name) == 400, ascii(name)
    assert not User.objects.exists()


# What is left out no database column holds.
@pytest.mark.parametrize("character", [one for one in INVISIBLE if one not in "\x00\ud800"], ids=ascii)
def test_nor_does_the_admin_or_a_command_make_one(character: str) -> None:
    with pytest.raises(ValidationError) as refused:
        User(username=f"an{character}n", password="x").full_clean()
    assert "username" in refused.value.message_dict
    with pytest.raises(CommandError):
        call_command("createsuperuser", username=f"an{character}n", email="a@a.example", interactive=False)
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["Ann", "anné", "安", "אן", "ann.lee@example.org", "a+b-c_d"])
def test_what_can_be_seen_is_a_name(settings: Settings, name: str) -> None:
    settings.OPEN_SIGN_UP = True
    assert sign_up(name) == 302
    assert User.objects.get().username == name


def test_an_account_that_has_such_a_name_already_goes_on() -> None:
    User.objects.create_user("ann\u1160", password=PASSWORD)
    browser = Client()
    assert browser.post("/login/", {"username": "ann\u1160", "password": PASSWORD}).status_code == 302
    assert browser.get("/").status_code == 200
    body = {"username": "ann\u1160", "password": PASSWORD}
    assert Client().post("/api/token/", body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "name", ["\u1160", "a\u1160", "\u3164\u3164", "\u200d", "a\x01b", "a\x7f", "\ufeff", "a\u200bb"], ids=ascii
)
def test_projects_and_people_have_names_that_can_be_seen(world: World, name: str) -> None:
    for method, address in (
        ("POST", "/api/projects/"),
        ("PATCH", world.path("projects/<id:project_id>/")),
        ("PATCH", "/api/me/"),
    ):
        answer = world.api("owner")(method, address, {"name": name})
        assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "name")
    label = world.api("owner").post(world.path("projects/<id:project_id>/labels/"), {"name": name, "color": "red"})
    assert label.status_code == 400
    assert not ProjectForm({"name": name}).is_valid()
    with pytest.raises(ValidationError):
        User(username="ann", password="x", first_name=name).full_clean()


@pytest.mark.parametrize("name", ["👩\u200d💻 Team", "می\u200cخواهم", "❤\ufe0f", "שלום \u200f(ב)"])
def test_what_joins_letters_and_emoji_stays_in_their_names(world: World, name: str) -> None:
    for address in (world.path("projects/<id:project_id>/"), "/api/me/"):
        answer = world.api("owner").patch(address, {"name": name})
        assert answer.json()["name"] == name
    assert ProjectForm({"name": name}).is_valid()


@pytest.mark.parametrize("names", [("ann", "Ann"), ("Émile", "émile"), ("ann", "ann")])
def test_of_names_that_differ_in_case_alone_one_is_made(names: tuple[str, str]) -> None:
    """Both passed the form's look for others before either was saved."""
    begin, refused = threading.Barrier(2), []

    def make(name: str) -> None:
        begin.wait(60)
        try:
            members.sign_up(User(username=name))
        except InvalidData as error:
            refused.append(error.details[0]["field"])
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (User.objects.count(), refused) == (1, ["username"])


def test_a_command_still_makes_an_account() -> None:
    call_command("createsuperuser", username="root", email="a@a.example", interactive=False, stdout=io.StringIO())
    assert User.objects.get().is_superuser
