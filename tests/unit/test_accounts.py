"""The pages by which people get in: signing up, joining by a link, a new or a lost password."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import URLPattern
from django.views.debug import SafeExceptionReporterFilter
from psycopg.errors import SerializationFailure
from pytest_django import Settings

from taskrealtime import account_urls, urls
from taskrealtime.actions import members
from taskrealtime.contract import commands
from taskrealtime.engine.auth import sign_ins, tokens
from taskrealtime.engine.wire.errors import TokenInvalid
from taskrealtime.models import Membership
from taskrealtime.pages import accounts
from taskrealtime.pages.forms import MAX_MAILS, SignUpForm
from tests.support.mailbox import link_in_mail, wait_for_mail
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "a whole new battery"
STRANGER: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.7"}


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def account(name: str = "newcomer", **fields: str) -> dict[str, str]:
    return {"username": name, "password1": NEW, "password2": NEW, **fields}


# --- All pages --------------------------------------------------------------------------------


def test_no_page_is_kept_by_a_cache(world: World) -> None:
    """Every page with personal data, whatever user asks and whatever the answer is."""
    paths = []
    for pattern in [*urls.urlpatterns, *account_urls.urlpatterns]:
        if not isinstance(pattern, URLPattern):
            continue  # the API
        path = "/" + str(pattern.pattern)
        paths.append(path.replace("<int:project_id>", str(world.project.pk)).replace("<slug:uidb64>", "MQ"))
    for path in paths:
        for browser in (Client(), signed_in(world.people["member"])):
            for answer in (browser.get(path), browser.post(path, {})):
                kept = answer.headers.get("Cache-Control", "")
                assert "no-store" in kept, f"{answer.status_code} of {path}: {kept!r}"


def test_too_many_attempts_are_kept_by_no_cache_either(world: World, settings: Settings) -> None:
    settings.SIGN_IN_ADDRESS_RATE_LIMIT = "1/1h"
    answers = [Client().post("/join/", {"secret": "wrong"}, REMOTE_ADDR="203.0.113.9") for _ in range(2)]
    assert answers[1].status_code == 429
    assert "no-store" in answers[1].headers["Cache-Control"]


# --- Joining by a link ------------------------------------------------------------------------


def test_opening_a_link_joins_nothing_and_the_button_does(world: World) -> None:
    outsider = world.people["outsider"]
    browser = signed_in(outsider)
    assert browser.get("/join/").status_code == 200
    page = browser.post("/join/", {"secret": world.invitation[1]}, follow=True).content.decode()
    assert f"Join as {outsider.username}" in page
    assert "Apollo" in page
    assert world.invitation[1] not in page
    browser.get("/join/")
    assert not Membership.objects.filter(user=outsider).exists()
    assert browser.post("/join/").headers["Location"] == f"/projects/{world.project.pk}/"
    assert Membership.objects.get(user=outsider).role == "member"


def test_a_user_who_is_in_already_is_led_to_the_board(world: World) -> None:
    browser = signed_in(world.people["viewer"])
    answer = browser.post("/join/", {"secret": world.invitation[1]})
    assert answer.headers["Location"] == f"/projects/{world.project.pk}/"


def test_a_user_who_signs_in_on_the_way_and_is_in_already_finds_the_board(world: World) -> None:
    browser = Client()
    browser.post("/join/", {"secret": world.invitation[1]})
    form = {"username": world.name("viewer"), "password": PASSWORD, "next": "/join/"}
    page = browser.post("/login/", form, follow=True).content.decode()
    assert "already" in page
    assert f'href="/projects/{world.project.pk}/"' in page
    assert "paste it here" in browser.get("/join/").content.decode(), "it is settled"


def test_every_page_of_links_reads_what_is_behind_the_sign(world: World) -> None:
    """Otherwise a second link would stay in the address, and show the project of the first."""
    browser = signed_in(world.people["outsider"])
    pages = [browser.get("/join/"), browser.post("/join/", {"secret": world.invitation[1]}, follow=True)]
    Membership.objects.create(user=world.people["outsider"], project=world.project)
    pages += [browser.get("/join/"), browser.get("/password/new/")]
    for page in pages:
        text = page.content.decode()
        assert "/board/link" in text
        assert "data-link" in text


def test_a_second_press_of_the_button_finds_the_board_too(world: World) -> None:
    made = world.api("owner").post(world.path("projects/<id:project_id>/invitations/"), {"max_uses": 1}).json()
    browser, slow = (signed_in(world.people["outsider"]) for _ in range(2))
    for one in (browser, slow):
        one.post("/join/", {"secret": made["url"]})
    board = f"/projects/{world.project.pk}/"
    assert [one.post("/join/").headers["Location"] for one in (browser, slow)] == [board, board]


def test_signing_in_on_the_way_leads_back_to_the_invitation(world: World) -> None:
    browser = Client()
    page = browser.post("/join/", {"secret": f" http://testserver/join/#{world.invitation[1]} "}, follow=True)
    assert "/login/?next=/join/" in page.content.decode()
    form = {"username": world.name("outsider"), "password": PASSWORD, "next": "/join/"}
    assert "Join as" in browser.post("/login/", form, follow=True).content.decode()


def test_a_user_who_signs_up_by_a_link_is_in_at_once(world: World) -> None:
    browser = Client()
    browser.post("/join/", {"secret": world.invitation[1]})
    answer = browser.post("/sign-up/", account(email="new@example.org"))
    assert answer.headers["Location"] == f"/projects/{world.project.pk}/"
    user = User.objects.get(username="newcomer")
    assert user.check_password(NEW)
    assert user.email == "new@example.org"
    assert Membership.objects.get(user=user, project=world.project).role == "member"
    assert browser.get(f"/projects/{world.project.pk}/").status_code == 200


def test_an_invitation_that_ends_meanwhile_makes_no_account(world: World) -> None:
    browser = Client()
    browser.post("/join/", {"secret": world.invitation[1]})
    assert browser.get("/sign-up/").status_code == 200
    path = world.path("projects/<id:project_id>/invitations/<id:invitation_id>/")
    assert world.api("owner").delete(path).status_code == 204
    assert browser.post("/sign-up/", account()).status_code == 403
    assert "invalid or has expired" in browser.get("/join/").content.decode()
    assert not User.objects.filter(username="newcomer").exists()


def test_a_wrong_link_is_answered_with_an_error(world: World) -> None:
    answer = Client().post("/join/", {"secret": "wrong"})
    assert answer.status_code == 404
    assert "invalid or has expired" in answer.content.decode()


def test_guessing_at_links_and_names_is_slow(world: World, settings: Settings) -> None:
    settings.SIGN_IN_ADDRESS_RATE_LIMIT, settings.OPEN_SIGN_UP = "3/1h", True
    guesses = [Client().post("/join/", {"secret": f"wrong{n}"}, **STRANGER).status_code for n in range(4)]
    assert guesses == [404, 404, 404, 429]
    names = [Client().post("/sign-up/", account(f"a{n}"), **STRANGER).status_code for n in range(4)]
    assert names == [302, 302, 302, 429]


def test_a_report_of_a_fault_holds_no_link(world: World) -> None:
    request = RequestFactory().post("/join/", {"secret": world.invitation[1]})
    request.session, request.user = Client().session, AnonymousUser()
    accounts.join(request)
    reported = SafeExceptionReporterFilter().get_post_parameters(request)
    assert world.invitation[1] not in str(reported)


def test_a_good_link_counts_for_nothing(world: World, settings: Settings) -> None:
    settings.SIGN_IN_ADDRESS_RATE_LIMIT = "1/1h"
    opened = [Client().post("/join/", {"secret": world.invitation[1]}, REMOTE_ADDR="203.0.113.8") for _ in range(3)]
    assert [answer.status_code for answer in opened] == [302, 302, 302]


def test_the_pages_keep_their_csrf_tokens(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people["outsider"])
    for path, form in (
        ("/join/", {"secret": world.invitation[1]}),
        ("/sign-up/", account()),
        ("/password/", {}),
        ("/password/lost/", {}),
        ("/password/new/", {}),
    ):
        assert browser.post(path, form).status_code == 403, path


# --- Signing up -------------------------------------------------------------------------------


def test_no_user_signs_up_uninvited_unless_the_setting_says_so(settings: Settings) -> None:
    assert "/sign-up/" not in Client().get("/login/").content.decode()
    assert Client().post("/sign-up/", account()).status_code == 403
    assert not User.objects.exists()
    settings.OPEN_SIGN_UP = True
    assert "/sign-up/" in Client().get("/login/").content.decode()
    browser = Client()
    assert browser.post("/sign-up/", account()).headers["Location"] == "/"
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"username": "Taken"}, "already exists"),
        ({"username": "with space"}, "valid username"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"password2": "another one"}, "match"),
        ({"email": "nowhere"}, "valid email"),
    ],
)
def test_what_is_wrong_with_an_account_is_shown(settings: Settings, fields: dict[str, str], words: str) -> None:
    settings.OPEN_SIGN_UP = True
    User.objects.create_user("taken")
    answer = Client().post("/sign-up/", account() | fields)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert User.objects.count() == 1


def test_of_two_users_who_take_a_name_at_once_the_slower_gets_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPEN_SIGN_UP = True
    checked = SignUpForm.clean_username

    def check_and_lose(form: SignUpForm) -> str | None:
        name = checked(form)
        User.objects.create_user("newcomer")
        return name

    monkeypatch.setattr(SignUpForm, "clean_username", check_and_lose)
    answer = Client().post("/sign-up/", account())
    assert answer.status_code == 400
    assert "already exists" in answer.content.decode()
    assert User.objects.count() == 1


def test_what_the_database_refuses_for_now_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def lose_once(user: User, command: commands.InvitationAccept) -> commands.ProjectAnswer:
        tries.append(user.pk)
        if len(tries) == 1:
            raise OperationalError from SerializationFailure()
        return accept(user, command)

    accept = members.accept_invitation
    monkeypatch.setattr(members, "accept_invitation", lose_once)
    browser = Client()
    browser.post("/join/", {"secret": world.invitation[1]})
    assert browser.post("/sign-up/", account()).status_code == 302
    assert len(tries) == 2
    assert Membership.objects.get(user__username="newcomer").project == world.project


# --- Another password -------------------------------------------------------------------------


def test_a_new_password_ends_other_sessions_and_tokens_and_keeps_this_browser(world: World) -> None:
    user = world.people["member"]
    here, elsewhere = signed_in(user), signed_in(user)
    token = str(tokens.make_access_token(user))
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = here.post("/password/", form, follow=True)
    assert "still signed in" in answer.content.decode()
    assert here.get("/").status_code == 200
    assert here.post("/api/token/session/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    with pytest.raises(TokenInvalid):
        tokens.identify(token)
    assert User.objects.get(pk=user.pk).check_password(NEW)


def test_guessing_at_the_old_password_is_slow(world: World, settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT = "3/1h"
    browser = signed_in(world.people["member"])
    form = {"new_password1": NEW, "new_password2": NEW}
    codes = [browser.post("/password/", {"old_password": f"guess {n}", **form}).status_code for n in range(4)]
    assert codes == [200, 200, 200, 429]
    other = signed_in(world.people["viewer"])
    weak = {"old_password": PASSWORD, "new_password1": "1", "new_password2": "1"}
    assert {other.post("/password/", weak).status_code for _ in range(5)} == {200}


def test_no_other_user_changes_a_password(world: World) -> None:
    assert Client().get("/password/").headers["Location"] == "/login/?next=/password/"
    browser = signed_in(world.people["member"])
    answer = browser.post("/password/", {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW})
    assert 'aria-invalid="true"' in answer.content.decode()
    assert User.objects.get(pk=world.people["member"].pk).check_password(PASSWORD)


# --- Signing in -------------------------------------------------------------------------------


def test_a_user_who_is_signed_in_is_led_on_wherever_the_sign_in_page_was_to_lead(world: World) -> None:
    for path in (
        "/login/",
        "/login/?next=/login/",
        "/login/?next=//evil.example/",
        "/login/?next=https://evil.example/",
    ):
        assert signed_in(world.people["member"]).get(path).headers["Location"] == "/", path


def test_a_user_who_signs_in_in_anothers_place_ends_their_tokens(world: World) -> None:
    browser = signed_in(world.people["member"])
    token = browser.post("/api/token/session/").json()["access"]
    tokens.identify(token)
    User.objects.filter(pk=world.people["owner"].pk).update(is_staff=True)
    # The only page of ours that signs a user in while another one is signed in.
    form = {"username": world.name("owner"), "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", form).headers["Location"] == "/admin/"
    with pytest.raises(TokenInvalid):
        tokens.identify(token)
    assert tokens.identify(browser.post("/api/token/session/").json()["access"]).user == world.people["owner"]


# --- A lost password --------------------------------------------------------------------------


def test_a_lost_password_is_replaced_by_a_link(world: World) -> None:
    user = world.people["member"]
    User.objects.filter(pk=user.pk).update(email="Member@example.org")
    elsewhere, token = signed_in(user), str(tokens.make_access_token(user))
    browser = Client()
    assert (
        "we’ve sent a link"
        in browser.post("/password/lost/", {"email": "member@example.org"}, follow=True).content.decode()
    )
    page, secret = link_in_mail()
    assert mail.outbox[-1].to == ["Member@example.org"]
    assert page == "http://testserver/password/new/"
    answer = browser.post("/password/new/", {"secret": secret}, follow=True)
    assert secret.partition(".")[2] not in str(answer.redirect_chain)
    path = answer.redirect_chain[-1][0]
    assert "new_password1" in answer.content.decode()
    browser.post(path, {"new_password1": NEW, "new_password2": NEW})
    assert User.objects.get(pk=user.pk).check_password(NEW)
    assert elsewhere.get("/").status_code == 302
    with pytest.raises(TokenInvalid):
        tokens.identify(token)
    again = Client().post("/password/new/", {"secret": secret}, follow=True)
    assert "no longer valid" in again.content.decode()


def test_the_answer_does_not_reveal_whether_there_is_such_an_address(world: World) -> None:
    User.objects.filter(pk=world.people["member"].pk).update(email="member@example.org")
    pages = [
        Client().post("/password/lost/", {"email": email}, follow=True).content
        for email in ("member@example.org", "nobody@example.org")
    ]
    wait_for_mail()
    assert pages[0] == pages[1]
    assert len(mail.outbox) == 1


def test_a_mailbox_is_not_flooded(world: World, settings: Settings) -> None:
    settings.SIGN_IN_RATE_LIMIT = "2/1h"
    codes = [Client().post("/password/lost/", {"email": "a@example.org"}).status_code for _ in range(3)]
    assert codes == [302, 302, 429]


def test_accounts_that_share_an_address_do_not_flood_its_mailbox(world: World) -> None:
    for number in range(12):
        User.objects.create_user(f"double{number}", email="victim@example.org", password=PASSWORD)
    Client().post("/password/lost/", {"email": "victim@example.org"})
    wait_for_mail()
    named = [re.findall(r"account (\w+)\.", str(one.body)) for one in mail.outbox]
    assert sorted(named) == [[f"double{number}"] for number in range(MAX_MAILS)], "those who had it first"


def test_a_mail_says_nothing_that_its_asker_wrote(world: World) -> None:
    user = world.people["member"]
    lure = {"first_name": "Locked:", "last_name": "see http://evil.example/", "email": "victim@example.org"}
    User.objects.filter(pk=user.pk).update(**lure)
    Client().post("/password/lost/", {"email": "victim@example.org"})
    page, _ = link_in_mail()
    assert page == "http://testserver/password/new/"
    assert "Locked" not in str(mail.outbox[-1].body)
    assert user.username in str(mail.outbox[-1].body)


def test_a_server_without_mail_refers_to_an_administrator(world: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    page = Client().get("/login/").content.decode()
    assert "/password/lost/" not in page
    assert "Ask an administrator" in page
    for answer in (Client().get("/password/lost/"), Client().post("/password/lost/", {"email": "a@example.org"})):
        assert "Ask an administrator" in answer.content.decode()
        assert 'name="email"' not in answer.content.decode()


def test_a_forged_link_changes_nothing() -> None:
    for secret in ("", "x", "MQ.x", "MQ.", "/.x", "999.c-0", "é.x", "٣.x", "ª.x"):
        answer = Client().post("/password/new/", {"secret": secret}, follow=True)
        assert answer.status_code == 200, secret
        assert "new_password1" not in answer.content.decode(), secret


def test_strangers_fill_no_table_with_sessions(world: World, settings: Settings) -> None:
    settings.SIGN_IN_ADDRESS_RATE_LIMIT = "3/1h"
    codes = [Client().post("/password/new/", {"secret": "MQ.x"}, **STRANGER).status_code for _ in range(5)]
    assert codes == [302, 302, 302, 429, 429]
    assert Session.objects.count() == 3


def test_what_is_no_link_is_not_kept() -> None:
    for secret in ("MQ." + "x" * 100_000, "M" * 100_000 + ".x"):
        answer = Client().post("/password/new/", {"secret": secret})
        assert answer.status_code == 200
        assert "incomplete" in answer.content.decode()
        assert Session.objects.count() == 0


def test_the_token_counts_only_from_the_session(world: World) -> None:
    User.objects.filter(pk=world.people["member"].pk).update(email="member@example.org")
    Client().post("/password/lost/", {"email": "member@example.org"})
    uid, _, token = link_in_mail()[1].partition(".")
    assert Client().get(f"/password/new/{uid}/{token}/").status_code == 404
    assert "new_password1" not in Client().get(f"/password/new/{uid}/").content.decode()


def test_signing_in_again_and_again_leaves_a_bounded_number_of_sessions(settings: Settings) -> None:
    user = User.objects.create_user("often", password="pass-word-1")
    for _ in range(sign_ins.MAX_OF_USER + 3):
        assert Client().login(username="often", password="pass-word-1")
    sessions = [one for one in Session.objects.all() if one.get_decoded().get("_auth_user_id") == str(user.pk)]
    assert len(sessions) == len(sign_ins.of_user(user)) == sign_ins.MAX_OF_USER


def test_a_browser_is_among_the_sign_ins_from_signing_in_to_signing_out(settings: Settings) -> None:
    user = User.objects.create_user("once", password="pass-word-1")
    browser = Client(HTTP_USER_AGENT="Browser 1")
    browser.post("/login/", {"username": "once", "password": "pass-word-1"}, **STRANGER)
    [found] = sign_ins.of_user(user)
    assert (found.agent, found.address) == ("Browser 1", "203.0.113.7")
    browser.post("/logout/")
    assert sign_ins.of_user(user) == []
