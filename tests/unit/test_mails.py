"""Mails about accounts: where their links lead, what they show, which address gets one when a credential changes."""

import io
import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from taskrealtime.operations import checks
from taskrealtime.pages import mails
from tests.support.mailbox import link_in_mail, wait_for_mail
from tests.support.world import PASSWORD, Api, World

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "a whole new battery"


@pytest.fixture
def ann(settings: Settings) -> User:
    settings.SIGN_IN_RATE_LIMIT = "0"  # one mailbox gets the mails of many tests
    return User.objects.create_user("ann", email="ann@example.org", password=PASSWORD)


def signed_in(user: User, **headers: str) -> Client:
    browser = Client(headers=headers)
    browser.post("/login/", {"username": user.username, "password": PASSWORD})
    return browser


def sent() -> list[tuple[str, list[str]]]:
    """Subject and addresses of each mail, in the order of the addresses: a thread sends each. Empties the box."""
    wait_for_mail()
    found = [(str(one.subject), one.to) for one in mail.outbox]
    mail.outbox.clear()
    return sorted(found, key=lambda one: (one[1], ORDER.index(one[0]) if one[0] in ORDER else 0))


CHANGED, LEFT, ENTERED = (
    "Your password was changed",
    "Your email address was changed",
    "Your email address at taskrealtime",
)
ORDER = (CHANGED, LEFT, ENTERED)


# --- Where links lead -------------------------------------------------------------------------


def lost(host: str, *, port: str = "80") -> str:
    """The page of the link in a mail that was asked for in the name of this host."""
    mail.outbox.clear()
    Client().post("/password/lost/", {"email": "ann@example.org"}, headers={"Host": host}, SERVER_PORT=port)
    return link_in_mail()[0]


def test_a_link_leads_to_the_public_url_whatever_host_is_named(ann: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["*"], "https://board.example"
    for host in ("board.example", "board.example:666", "evil.example"):
        assert lost(host) == "https://board.example/password/new/", host


def test_without_one_a_port_counts_only_where_the_server_has_it(ann: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["board.example", "localhost"]
    assert lost("board.example") == "http://board.example/password/new/"
    assert lost("board.example:666") == "http://board.example/password/new/"
    assert lost("board.example:8000", port="8000") == "http://board.example:8000/password/new/"
    assert lost("localhost:8080", port="8000") == "http://localhost:8080/password/new/"


def test_an_invitation_leads_to_the_public_url(world: World, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://board.example"
    made = world.api("owner").post(world.path("projects/<id:project_id>/invitations/"), {}).json()
    assert made["url"].startswith("https://board.example/join/#")


# --- What they show ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, shown",
    [
        ("ann", "ann"),
        ("evil.example", "evil . example"),
        ("www.evil.example", "www . evil . example"),
        ("ann@evil.example", "ann @ evil . example"),
        ("https://evil.example/x", "https :// evil . example / x"),
        ("evil\u3002example", "evil \u3002 example"),
        ("an\u1160n\r\nBcc", "annBcc"),
    ],
)
def test_a_name_becomes_no_link(name: str, shown: str) -> None:
    assert mails.plain(name) == shown


def test_no_mail_holds_a_word_that_looks_like_a_link_but_our_own(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://board.example"
    user = User.objects.create_user("www.evil.example", email="a@a.example", password=PASSWORD)
    Client().post("/password/lost/", {"email": "a@a.example"})
    user.set_password(NEW)
    user.save()
    user.email = "b@b.example"
    user.save()
    wait_for_mail()
    assert len(mail.outbox) == 4
    for one in mail.outbox:
        text = f"{one.subject} {one.body}"
        assert "www . evil . example" in text
        words = re.findall(r"\S*\w[.@:/]+\w\S*", text)
        links = [word for word in words if not re.fullmatch(r"\d\d?:\d\d|[ap]\.m\.,?", word)]
        assert all(word.startswith("https://board.example/") for word in links), links
        assert not getattr(one, "alternatives", [])


# --- Changed credentials ----------------------------------------------------------------------


def test_a_new_password_is_reported_by_mail_however_it_came(ann: User) -> None:
    browser = signed_in(ann)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser.post("/password/", form).status_code == 302
    assert sent() == [(CHANGED, ["ann@example.org"])]

    Client().post("/password/lost/", {"email": "ann@example.org"})
    secret = link_in_mail()[1]
    mail.outbox.clear()
    fresh = Client()
    path = fresh.post("/password/new/", {"secret": secret}, follow=True).redirect_chain[-1][0]
    fresh.post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert sent() == [(CHANGED, ["ann@example.org"])]

    staff = User.objects.create_superuser("root", password=PASSWORD)
    admin = signed_in(staff)
    admin.post(f"/admin/auth/user/{ann.pk}/password/", {"password1": NEW, "password2": NEW, "usable_password": "true"})
    assert sent() == [(CHANGED, ["ann@example.org"])]

    ann.refresh_from_db()
    ann.set_unusable_password()
    ann.save()
    assert sent() == [(CHANGED, ["ann@example.org"])]


def test_another_address_is_reported_to_the_old_one_and_to_the_new(ann: User) -> None:
    assert Api(ann).patch("/api/me/", {"email": "new@example.org", "password": PASSWORD}).status_code == 200
    assert sent() == [(LEFT, ["ann@example.org"]), (ENTERED, ["new@example.org"])]
    assert Api(ann).patch("/api/me/", {"email": "", "password": PASSWORD}).status_code == 200
    assert sent() == [(LEFT, ["new@example.org"])]


def test_a_password_and_an_address_that_change_at_once_are_reported_to_both(ann: User) -> None:
    ann.email = "new@example.org"
    ann.set_password(NEW)
    ann.save()
    assert sent() == [
        (CHANGED, ["ann@example.org"]),
        (LEFT, ["ann@example.org"]),
        (CHANGED, ["new@example.org"]),
        (ENTERED, ["new@example.org"]),
    ]


def test_what_is_no_change_sends_no_mail(ann: User, settings: Settings) -> None:
    signed_in(ann)
    ann.first_name = "Ann"
    ann.save()
    User.objects.create_user("other", email="other@example.org", password=PASSWORD)
    # A hash that is no longer costly enough is renewed where its owner signs in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", *settings.PASSWORD_HASHERS]
    before = User.objects.get(pk=ann.pk).password
    assert signed_in(ann).get("/").status_code == 200
    assert User.objects.get(pk=ann.pk).password != before, "it was made anew"
    assert sent() == []


def test_nothing_is_sent_of_what_was_rolled_back(ann: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        ann.set_password(NEW)
        ann.save()
        raise RuntimeError
    assert sent() == []


def test_a_server_without_mail_sends_none(ann: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    ann.set_password(NEW)
    ann.save()
    assert sent() == []


def test_a_client_that_enters_others_addresses_floods_no_mailbox(ann: User, settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT = "3/1h"
    for number in range(8):
        ann.email = "victim@example.org" if number % 2 else ""
        ann.save()
    recipients = [to for _, [to] in sent()]
    assert recipients.count("victim@example.org") == 3


def test_a_mail_is_in_the_language_that_its_reader_used_last(ann: User) -> None:
    signed_in(ann, **{"Accept-Language": "de"})
    ann.refresh_from_db()
    ann.set_password(NEW)
    ann.save()  # by an administrator, for example, with English pages
    assert sent() == [("Dein Passwort wurde geändert", ["ann@example.org"])]
    Client().post("/password/lost/", {"email": "ann@example.org"})
    assert [subject for subject, _ in sent()] == ["Dein taskrealtime-Passwort zurücksetzen"]


def test_choosing_a_language_counts_for_mails_and_for_nothing_else(ann: User) -> None:
    browser = signed_in(ann)
    browser.post("/language/", {"language": "de", "next": "/"})
    assert mails.language_of(ann) == "de"
    browser.post("/language/", {"language": "xx", "next": "/"})
    assert mails.language_of(ann) == "de"
    assert 'data-time-zone=""' in browser.get("/").content.decode()


def test_a_command_sends_the_mail_too(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", "ann", stdout=io.StringIO())
    assert sent() == [(CHANGED, ["ann@example.org"])]


@pytest.mark.parametrize(
    "mailers, sends", [({}, False), ({"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}, True)]
)
def test_mailers_take_the_place_of_the_older_settings(
    settings: Settings, mailers: dict[str, dict[str, str]], sends: bool
) -> None:
    """As of Django 6.1, whose older settings are none then."""
    settings.MAILERS = mailers
    del settings.EMAIL_BACKEND, settings.EMAIL_HOST
    assert mails.sends_mail() is sends
    assert checks.check_public_url(None) == []
