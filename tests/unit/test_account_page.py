"""The page of one's own account: where one is signed in, each to be ended by itself."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from taskrealtime.engine.auth import sign_ins, tokens
from taskrealtime.engine.wire.errors import TokenInvalid
from taskrealtime.pages import agents
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD)


def sign_in(agent: str) -> Client:
    browser = Client(headers={"User-Agent": agent})
    assert browser.post("/login/", {"username": "ann", "password": PASSWORD}).status_code == 302
    return browser


def rows(browser: Client) -> list[str]:
    """What the list says, row by row."""
    html = browser.get("/account/").content.decode()
    items = re.findall(r"<li .*?</li>", html, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_it_lists_browsers_and_scripts_with_this_one_first(ann: User) -> None:
    here, _ = sign_in(FIREFOX), sign_in(SAFARI)
    sign_ins.begin(ann, agent="backup/1.0", address="203.0.113.5")
    mine, *others = rows(here)
    assert mine.startswith("Firefox on Windows This browser 127.0.0.1 · Last used: ")
    assert not mine.endswith("End session")
    assert sorted(row.split(" · ")[0].replace(" 127.0.0.1", "") for row in others) == [
        "App or script backup/1.0",
        "Safari on iPhone",
    ]
    assert all(row.endswith("End session") for row in others)


def test_one_that_is_ended_leaves_the_list_and_is_signed_out(ann: User) -> None:
    here, there = sign_in(FIREFOX), sign_in(SAFARI)
    token = there.post("/api/token/session/").json()["access"]
    [other] = [one for one in sign_ins.of_user(ann) if "iPhone" in one.agent]
    assert here.post("/account/", {"end": other.mark}).headers["Location"] == "/account/"
    assert [row.split(" This")[0] for row in rows(here)] == ["Firefox on Windows"]
    assert there.get("/account/").headers["Location"] == "/login/?next=/account/"
    with pytest.raises(TokenInvalid):
        tokens.identify(token)
    assert here.post("/account/", {"end": other.mark}).status_code == 302, "once more is no fault"


def test_all_others_end_at_once_and_this_one_stays(ann: User) -> None:
    here, there = sign_in(FIREFOX), sign_in(SAFARI)
    sign_ins.begin(ann, agent="backup/1.0")
    here.post("/account/", {"end": "others"})
    assert len(rows(here)) == 1
    assert there.get("/").status_code == 302


def test_no_user_ends_a_sign_in_of_others_here(ann: User) -> None:
    here = sign_in(FIREFOX)
    eve = Client()
    eve.force_login(User.objects.create_user("eve"))
    for one in sign_ins.of_user(ann):
        eve.post("/account/", {"end": one.mark})
    eve.post("/account/", {"end": "others"})
    assert here.get("/account/").status_code == 200


def test_a_description_is_text_and_no_markup(ann: User) -> None:
    sign_ins.begin(ann, agent="<script>alert(1)</script>")
    assert "<script>alert" not in sign_in(FIREFOX).get("/account/").content.decode()


@pytest.mark.parametrize(
    "agent, browser, system",
    [
        (FIREFOX, "Firefox", "Windows"),
        (SAFARI, "Safari", "iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge", "Linux"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome", "Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari", "macOS"),
        ("curl/8", "", ""),
    ],
)
def test_what_a_browser_is_called(agent: str, browser: str, system: str) -> None:
    assert (agents.browser_of(agent), agents.system_of(agent)) == (browser, system)
