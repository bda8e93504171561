"""Signing in and out over HTTP: which credentials count, and until when."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from project.apps import forget_outstanding_tokens
from taskrealtime.engine.auth import sign_ins, tokens
from taskrealtime.engine.models import SignIn
from tests.support.world import PASSWORD, Api

pytestmark = pytest.mark.django_db

#: A name of this file alone: wrong passwords count for minutes, across tests.
NAME = "ann.of.tokens"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user(NAME, password=PASSWORD)


def sign_in(username: str = NAME, password: str = PASSWORD) -> Any:
    return Api(None).post("/api/token/", {"username": username, "password": password})


def refresh(token: object) -> Any:
    return Api(None).post("/api/token/refresh/", {"refresh": str(token)})


def with_token(token: object, path: str = "/api/projects/") -> Any:
    return Api(None, Authorization=f"Bearer {token}").get(path)


def test_name_and_password_give_a_pair_of_tokens(ann: User) -> None:
    answer = sign_in()
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert with_token(answer.json()["access"]).status_code == 200
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("username,password", [(NAME, "wrong"), ("nobody", PASSWORD), ("", ""), ("ann\x7f", "")])
def test_wrong_credentials_are_401_and_do_not_say_which(ann: User, username: str, password: str) -> None:
    answer = sign_in(username, password)
    assert answer.status_code == 401
    assert answer.json() == {"code": "unauthenticated", "message": "No active account has this username and password."}
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_page_is_served_for_its_own_user_alone(ann: User) -> None:
    bob = User.objects.create_user("bob")
    browser = Client()
    browser.force_login(bob)
    of_ann, of_bob = ({"X-Page-User": str(user.pk)} for user in (ann, bob))
    assert browser.get("/api/me/", headers=of_bob).json()["username"] == "bob"
    assert browser.get("/api/me/", headers=of_ann).json()["code"] == "unauthenticated"
    renamed = browser.patch("/api/me/", {"name": "Ann"}, "application/json", headers=of_ann)
    assert renamed.status_code == 401
    assert browser.post("/api/token/session/", headers=of_ann).status_code in {401, 403}
    assert browser.post("/api/token/session/", headers=of_bob).status_code == 200
    assert User.objects.get(pk=bob.pk).first_name == ""


def test_an_inactive_user_is_out(ann: User) -> None:
    access = tokens.make_access_token(ann)
    ann.is_active = False
    ann.save()
    assert sign_in().status_code == 401
    assert with_token(access).json()["code"] == "token_invalid"


def test_a_deleted_users_tokens_are_invalid(ann: User) -> None:
    old = sign_ins.begin(ann)
    ann.delete()
    assert refresh(old).json()["code"] == "token_invalid"
    assert with_token(old.access_token).status_code == 401


def test_a_refresh_token_is_good_once(ann: User) -> None:
    first = sign_in().json()["refresh"]
    second = refresh(first)
    assert second.status_code == 200
    assert with_token(second.json()["access"]).status_code == 200
    third = refresh(second.json()["refresh"])
    assert third.status_code == 200


def test_a_used_refresh_token_ends_its_sign_in_and_no_other(ann: User) -> None:
    elsewhere, first = sign_in().json(), sign_in().json()["refresh"]
    second = refresh(first).json()
    again = refresh(first)
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")
    assert refresh(second["refresh"]).json()["code"] == "token_invalid"
    assert with_token(second["access"]).json()["code"] == "token_invalid"
    assert refresh(elsewhere["refresh"]).status_code == 200


def test_a_refresh_token_of_other_code_is_good_once_and_begins_a_sign_in(ann: User) -> None:
    old = str(RefreshToken.for_user(ann))
    second = refresh(old).json()["refresh"]
    assert refresh(second).status_code == 200
    for _ in range(2):  # the second time its sign-in has ended, and does not begin again
        assert refresh(old).json()["code"] == "token_invalid"


def test_a_refresh_token_that_an_earlier_release_took_back_stays_so(ann: User) -> None:
    old = RefreshToken.for_user(ann)
    old.blacklist()
    assert refresh(old).json()["code"] == "token_invalid"


def test_no_table_holds_a_usable_token(ann: User) -> None:
    pair = sign_in().json()
    foreign = str(RefreshToken.for_user(ann))
    forget_outstanding_tokens(timezone.now(), 10)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            text = str(cursor.fetchall())
            for token in (pair["refresh"], pair["access"], foreign):
                assert token not in text, table
    assert refresh(foreign).status_code == 200


def test_expired_sign_ins_and_tokens_are_removed(ann: User) -> None:
    sign_in()
    RefreshToken.for_user(ann)
    past = timezone.now() - timedelta(seconds=1)
    SignIn.objects.update(expires_at=past)
    OutstandingToken.objects.update(expires_at=past)
    assert sign_ins.forget_expired(past, 10) == forget_outstanding_tokens(past, 10) == 1
    assert not SignIn.objects.exists()
    assert not OutstandingToken.objects.exists()


@pytest.mark.parametrize("ahead", [2, 3500])
def test_a_token_of_a_machine_whose_clock_is_ahead_is_good(ann: User, ahead: int) -> None:
    access, old = tokens.make_access_token(ann), sign_ins.begin(ann)
    for token in (access, old):
        token["iat"] += ahead
    assert with_token(access).status_code == 200
    assert refresh(old).status_code == 200


# --- A list of one's sign-ins ---------------------------------------------------------------


def test_one_sees_where_one_is_signed_in_and_ends_each_by_itself(ann: User, browser: Client) -> None:
    get_token(browser)
    first, second = sign_in().json(), sign_in().json()

    def sessions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = with_token(second["access"], "/api/me/sessions/").json()["sessions"]
        return found

    listed = sessions()
    assert sorted(one["kind"] for one in listed) == ["browser", "token", "token"]
    assert [one["current"] for one in listed].count(True) == 1
    client = Api(ann)
    for one in listed:
        if not one["current"]:
            assert client.delete(f"/api/me/sessions/{one['id']}/").status_code == 204
    assert [one["current"] for one in sessions()] == [True]
    assert with_token(first["access"]).json()["code"] == "token_invalid"
    assert refresh(first["refresh"]).json()["code"] == "token_invalid"
    assert browser.get("/api/projects/").status_code == 401
    assert refresh(second["refresh"]).status_code == 200


def test_no_user_ends_or_sees_a_session_of_others(ann: User) -> None:
    sign_in()
    [mine] = sign_ins.of_user(ann)
    eve = User.objects.create_user("eve")
    assert Api(eve).delete(f"/api/me/sessions/{mine.mark}/").status_code == 404
    assert Api(eve).get("/api/me/sessions/").json() == {"sessions": []}
    assert [one.mark for one in sign_ins.of_user(ann)] == [mine.mark]


def test_a_new_password_leaves_no_session_in_the_list(ann: User) -> None:
    sign_in()
    ann.set_password("another one entirely")
    ann.save()
    assert sign_ins.of_user(ann) == []


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "0" * 9_999], ids=len)
def test_what_is_no_token_is_refused(ann: User, token: str) -> None:
    assert refresh(token).status_code == (401 if token else 400)
    assert with_token(token.encode().decode("latin-1")).json()["code"] == "token_invalid"


def test_the_two_kinds_of_token_are_not_mixed_up(ann: User) -> None:
    token = sign_ins.begin(ann)
    assert with_token(token).json()["code"] == "token_invalid"
    assert refresh(token.access_token).json()["code"] == "token_invalid"


def test_an_expired_token_has_another_error_than_a_wrong_one(ann: User) -> None:
    access, old = tokens.make_access_token(ann), sign_ins.begin(ann)
    access.set_exp(lifetime=timedelta(seconds=-60))
    old.set_exp(lifetime=timedelta(seconds=-60))
    assert with_token(access).json()["code"] == "token_expired"
    assert refresh(old).json()["code"] == "token_expired"


def test_a_token_for_no_user_is_refused(ann: User) -> None:
    for strange in (0, -1, 2**70, "x", None, [1]):
        access, old = AccessToken(), RefreshToken()
        access["user_id"] = old["user_id"] = strange
        assert with_token(access).json()["code"] == "token_invalid"
        assert refresh(old).json()["code"] == "token_invalid"


def test_a_token_in_the_url_is_never_read(ann: User) -> None:
    token = tokens.make_access_token(ann)
    for name in ("token", "access", "access_token", "jwt"):
        assert Api(None).get(f"/api/projects/?{name}={token}").status_code == 401


def test_signing_out_everywhere_ends_every_token(ann: User) -> None:
    pair = sign_in().json()
    assert Api(ann).post("/api/token/revoke/").status_code == 204
    assert with_token(pair["access"]).json()["code"] == "token_invalid"
    assert refresh(pair["refresh"]).json()["code"] == "token_invalid"
    assert with_token(sign_in().json()["access"]).status_code == 200


def test_a_new_password_ends_every_token(ann: User) -> None:
    pair = sign_in().json()
    ann.set_password("another one entirely")
    ann.save()
    assert with_token(pair["access"]).status_code == 401
    assert refresh(pair["refresh"]).json()["code"] == "token_invalid"


# --- The browser's session ------------------------------------------------------------------


@pytest.fixture
def browser(ann: User) -> Client:
    """Ann's, signed in; it holds a CSRF cookie after the first page."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    client.cookies["csrftoken"] = "a" * 32
    return client


def get_token(browser: Client) -> Any:
    headers = {"X-CSRFToken": "a" * 32}
    return browser.post("/api/token/session/", content_type="application/json", headers=headers)


def test_a_signed_in_page_gets_a_token(browser: Client) -> None:
    answer = get_token(browser)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access"}
    assert with_token(answer.json()["access"]).status_code == 200


def test_a_browsers_change_needs_the_csrf_token(browser: Client) -> None:
    for path in ("/api/token/session/", "/api/token/revoke/", "/api/projects/"):
        answer = browser.post(path, {}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert "CSRF" in answer.json()["message"]
    assert browser.get("/api/projects/").status_code == 200


def test_a_page_without_a_session_gets_no_token(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/api/token/session/", headers={"Authorization": f"Bearer {tokens.make_access_token(ann)}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_bad_token_is_not_saved_by_a_session(browser: Client) -> None:
    answer = browser.get("/api/projects/", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_signing_out_everywhere_ends_the_browsers_sessions_too(browser: Client, ann: User) -> None:
    assert Api(ann).post("/api/token/revoke/").status_code == 204
    assert browser.get("/api/projects/").status_code == 401
    assert get_token(browser).status_code == 401
    assert browser.get("/").status_code == 302, "pages send to the sign-in form"
    browser.force_login(User.objects.get(pk=ann.pk))
    assert get_token(browser).status_code == 200, "who signs in again is in again"
