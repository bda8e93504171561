"""In which language a page is, and that what programs read stays English."""

import re
import time

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from pytest_django import Settings

from tests.support.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_installation]
GERMAN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}


@pytest.fixture
def german(world: World) -> Client:
    browser = Client(headers=GERMAN)
    browser.force_login(world.people["member"])
    return browser


def language_of(page: bytes) -> str:
    found = re.search(rb'<html lang="(\w+)"', page)
    assert found
    return found[1].decode()


@pytest.mark.parametrize(
    "accepted, language",
    [
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("en-US,de;q=0.5", "en"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("x" * 600, "en"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_accepts(accepted: str, language: str) -> None:
    answer = Client(headers={"Accept-Language": accepted}).get("/login/")
    assert language_of(answer.content) == answer.headers["Content-Language"] == language
    assert ("Anmelden" in answer.content.decode()) == (language == "de")
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_what_a_user_chose_counts_more_and_is_kept() -> None:
    browser = Client(headers=GERMAN, enforce_csrf_checks=True)
    answer = browser.post("/language/", {"language": "en", "next": "/login/?next=/ops/"})
    assert answer.headers["Location"] == "/login/?next=/ops/"
    assert answer.cookies["language"]["max-age"] == 365 * 24 * 3600
    assert language_of(browser.get("/login/").content) == "en"
    browser.post("/language/", {"language": "tlh", "next": "https://elsewhere.example/"})
    assert language_of(browser.get("/login/").content) == "en"


def test_choosing_leads_to_no_other_site() -> None:
    answer = Client().post("/language/", {"language": "de", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"


def test_pages_of_work_load_the_texts_of_their_scripts_before_them(german: Client, world: World) -> None:
    for path in ("/", f"/projects/{world.project.pk}/", "/connection/"):
        scripts = re.findall(r'<script type="module" src="([^"]+)"', german.get(path).content.decode())
        assert "/js/texts/de/" in scripts[0], scripts
        english = Client()
        english.force_login(world.people["member"])
        assert "/js/texts/" not in english.get(path).content.decode()


def test_error_pages_are_translated(german: Client) -> None:
    assert "Seite nicht gefunden" in german.get("/nowhere/").content.decode()
    refused = Client(headers=GERMAN, enforce_csrf_checks=True).post("/login/", {"username": "x", "password": "y"})
    assert "Dieses Formular ist abgelaufen" in refused.content.decode()


def test_forms_say_what_is_wrong_in_the_language(german: Client, settings: Settings) -> None:
    assert "Gib einen Projektnamen ein." in german.post("/", {"name": ""}).content.decode()
    settings.OPEN_SIGN_UP = True
    browser = Client(headers=GERMAN)
    page = browser.post("/sign-up/", {"username": "somebody.new", "password1": "123", "password2": "123"})
    assert "Dieses Passwort ist zu kurz" in page.content.decode()


def test_the_mail_is_in_the_language_of_the_user_who_asked_for_it(world: World) -> None:
    User.objects.filter(pk=world.people["member"].pk).update(email="member@example.org")
    Client(headers=GERMAN).post("/password/lost/", {"email": "member@example.org"})
    ends = time.monotonic() + 60
    while not mail.outbox and time.monotonic() < ends:
        time.sleep(0.01)
    assert mail.outbox[0].subject == "Dein taskrealtime-Passwort zurücksetzen"
    assert "öffne innerhalb einer Stunde diesen Link" in mail.outbox[0].body


def test_what_programs_read_is_english_and_the_same_for_all(world: World) -> None:
    for method, path, body in (
        ("get", "/api/projects/", None),
        ("get", "/api/nowhere/", None),
        ("post", "/api/projects/", {"name": ""}),
        ("patch", "/api/me/", {"timezone": "Nowhere"}),
        ("post", "/api/token/", {"username": "nobody", "password": "wrong"}),
        ("post", f"/api/projects/{world.project.pk}/members/", {"username": "viewer"}),
        ("get", "/healthz", None),
    ):
        answers = []
        for accepted in ("en", "de"):
            browser = Client(headers={"Accept-Language": accepted})
            browser.cookies["language"] = accepted
            if "token" not in path:
                browser.force_login(world.people["member"])
            answers.append(getattr(browser, method)(path, body, content_type="application/json"))
        english, german = answers
        assert english.status_code == german.status_code
        assert re.sub(rb'"(request_id|session)":"[^"]*"', b"", english.content) == re.sub(
            rb'"(request_id|session)":"[^"]*"', b"", german.content
        )
        assert english.headers.get("Vary") == german.headers.get("Vary")
        assert "Accept-Language" not in german.headers.get("Vary", "")
        assert "Content-Language" not in german.headers
