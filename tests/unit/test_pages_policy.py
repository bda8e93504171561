"""What pages make browsers forbid, and with what settings a server does not start."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from project.cookies import PREFIX
from tests.support.stacks import plain_environment, run_manage
from tests.support.world import PASSWORD, World

pytestmark = [pytest.mark.django_db, pytest.mark.one_installation]
ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {"ALLOWED_HOSTS": "board.example", "DATABASE_URL": "sqlite://:memory:", "SECRET_KEY": "k3-Xq9" * 9}


def directives(policy: str) -> dict[str, str]:
    found = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in found}


def pages(world: World) -> Iterator[str]:
    yield from (
        "/",
        "/login/",
        f"/projects/{world.project.pk}/",
        "/nowhere/",
        "/admin/login/",
        "/api/projects/",
        "/healthz",
    )


def test_every_answer_forbids_what_is_not_ours(world: World) -> None:
    browser = Client()
    browser.force_login(world.people["owner"])
    for path in pages(world):
        answer = browser.get(path)
        policy = directives(answer.headers["Content-Security-Policy"])
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in str(policy)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_not_even_on_this_machine_may_text_be_evaluated(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for host, proto in (("localhost:8000", "http"), ("localhost", "https"), ("a.example", "http")):
        answer = Client().get("/login/", headers={"Host": host, "X-Forwarded-Proto": proto})
        assert directives(answer.headers["Content-Security-Policy"])["script-src"] == "'self'", host


def test_our_templates_need_no_inline_script_or_style() -> None:
    inline = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|[\"']javascript:", re.IGNORECASE)
    for template in (ROOT / "templates").rglob("*.html"):
        assert not inline.search(template.read_text()), template


def test_a_name_is_text_and_no_markup(world: World) -> None:
    world.project.name = "<script>alert(1)</script>"
    world.project.save()
    browser = Client()
    browser.force_login(world.people["owner"])
    for path in ("/", f"/projects/{world.project.pk}/"):
        text = browser.get(path).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_cookies_are_for_tls_but_on_localhost(settings: Settings, world: World) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    form = {"username": world.name("owner"), "password": PASSWORD}
    for host, proto, secure in [
        ("localhost:8000", "http", False),
        ("127.0.0.1", "http", False),
        ("[::1]:8000", "http", False),
        ("localhost", "https", True),
        ("board.example", "http", True),
        ("board.example", "https", True),
        ("localhost.evil.example", "http", True),
    ]:
        answer = Client().post("/login/", form, headers={"Host": host, "X-Forwarded-Proto": proto})
        assert answer.status_code == 302, host
        session, token = (PREFIX + name if proto == "https" else name for name in ("sessionid", "csrftoken"))
        assert {bool(answer.cookies[name]["secure"]) for name in (session, token)} == {secure}, host
        assert answer.cookies[session]["httponly"]
        assert answer.cookies[session]["samesite"] == "Lax"
        assert set(answer.cookies) == {session, token}
        assert ("Strict-Transport-Security" in answer.headers) == (proto == "https")


class Tls:
    """A browser that reached the pages over TLS: it takes `__Host-` cookies as browsers do, and sends what it has."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.client = Client(enforce_csrf_checks=True)

    def __call__(self, method: str, path: str, form: dict[str, str] | None = None) -> HttpResponse:
        self.client.cookies.clear()
        sent = "; ".join(f"{name}={value}" for name, value in self.kept.items())
        headers = {"Host": "testserver", "X-Forwarded-Proto": "https", "Cookie": sent, "Referer": "https://testserver/"}
        if PREFIX + "csrftoken" in self.kept:
            headers["X-CSRFToken"] = self.kept[PREFIX + "csrftoken"]
        answer: HttpResponse = getattr(self.client, method)(path, form, headers=headers)
        for name, cookie in answer.cookies.items():
            is_taken = cookie["secure"] and cookie["path"] == "/" and not cookie["domain"]
            assert is_taken or not name.startswith(PREFIX), f"no browser takes {cookie}"
            if cookie["max-age"] == 0:
                self.kept.pop(name, None)
            else:
                self.kept[name] = cookie.value
        return answer

    def sign_in(self, world: World) -> None:
        self("get", "/login/")
        form = {"username": world.name("owner"), "password": PASSWORD}
        assert self("post", "/login/", form).status_code == 302


def test_over_tls_no_other_host_can_set_the_cookies(world: World) -> None:
    browser = Tls()
    browser.sign_in(world)
    assert set(browser.kept) == {"__Host-sessionid", "__Host-csrftoken"}
    assert browser("get", "/").status_code == 200
    # A cookie that a neighbouring subdomain or an attacker in the network set is no session and no token.
    stranger = Client()
    stranger.force_login(world.people["member"])
    planted = Tls()
    planted.kept = {"sessionid": stranger.cookies["sessionid"].value}
    assert planted("get", "/").status_code == 302
    browser.kept["sessionid"] = stranger.cookies["sessionid"].value
    assert world.name("owner") in browser("get", "/").content.decode()
    assert browser("post", "/logout/").status_code == 302
    assert "__Host-sessionid" not in browser.kept
    assert browser("get", "/").status_code == 302


def test_a_user_who_was_signed_in_before_the_update_stays_where_that_is_asked_for(
    world: World, settings: Settings
) -> None:
    earlier = Client()
    earlier.force_login(world.people["owner"])
    browser = Tls()
    browser.kept = {"sessionid": earlier.cookies["sessionid"].value}
    assert browser("get", "/").status_code == 302
    settings.READ_OLD_COOKIES = True
    assert browser("get", "/").status_code == 200
    assert {"sessionid", "__Host-sessionid"} <= set(browser.kept), "processes of both releases know them"
    settings.READ_OLD_COOKIES = False
    assert browser("get", "/").status_code == 200
    browser("post", "/logout/")
    assert not {"sessionid", "__Host-sessionid"} & set(browser.kept)


def test_production_settings_pass_the_checks_of_a_deployment() -> None:
    run_manage(["check", "--deploy", "--fail-level", "WARNING"], plain_environment() | PRODUCTION)


@pytest.mark.parametrize(
    "env, reason",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"DEBUG": "1"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "1", "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"WEBSOCKET_CORS_ORIGINS": "*"}, "WEBSOCKET_EVERY_ORIGIN=1"),
        ({"WEBSOCKET_CORS_ORIGINS": "https://other.example, *"}, "WEBSOCKET_EVERY_ORIGIN=1"),
        ({"TRUSTED_PROXIES": "everybody"}, "TRUSTED_PROXIES"),
        ({"WEBSOCKET_RATE_LIMIT": "many"}, "WEBSOCKET_RATE_LIMIT"),
        ({"EMAIL_USE_SSL": "1", "EMAIL_USE_TLS": "1"}, "EMAIL_USE_SSL"),
    ],
)
def test_a_dangerous_setting_stops_the_start(env: dict[str, str], reason: str) -> None:
    with pytest.raises(AssertionError, match=f"A setting is wrong: .*{reason}"):
        run_manage(["check"], plain_environment() | PRODUCTION | env)


@pytest.mark.parametrize("env", [{"WEBSOCKET_EVERY_ORIGIN": "1"}, {"ALLOWED_HOSTS": "localhost,10.0.0.7"}])
def test_sockets_for_every_page_are_possible(env: dict[str, str]) -> None:
    run_manage(["check"], plain_environment() | PRODUCTION | {"WEBSOCKET_CORS_ORIGINS": "*"} | env)


def test_a_local_development_server_starts() -> None:
    run_manage(["check"], plain_environment() | PRODUCTION | {"DEBUG": "1", "ALLOWED_HOSTS": "localhost"})
