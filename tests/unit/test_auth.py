"""Tokens: whose they are, and when they end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken

from taskrealtime.engine.auth import sign_ins, tokens
from taskrealtime.engine.wire.errors import TokenExpired, TokenInvalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann", password="correct horse battery staple")


def fresh(user: User) -> User:
    """The user, read again, as another request does."""
    return User.objects.get(pk=user.pk)


def signed(settings: Settings, **claims: Any) -> str:
    """A token of ours with these claims."""
    now = timezone.now()
    usual = {"token_type": "access", "exp": now + timedelta(minutes=5), "iat": now, "jti": "x"}
    return jwt.encode(usual | claims, settings.SECRET_KEY, algorithm="HS256")


@pytest.mark.parametrize("maker", ["access", "refresh", "plain simplejwt"])
def test_a_token_names_its_user_and_its_end(user: User, maker: str) -> None:
    makers: dict[str, Callable[[User], Any]] = {
        "access": tokens.make_access_token,
        "refresh": lambda user: sign_ins.begin(user).access_token,
        "plain simplejwt": AccessToken.for_user,
    }
    token = makers[maker](user)
    identity = tokens.identify(str(token))
    assert identity.user == user
    assert identity.expires_at == token["exp"]
    assert identity.stamp == tokens.session_stamp(user)


def test_an_expired_token_has_an_error_of_its_own(user: User) -> None:
    token = tokens.make_access_token(user)
    token.set_exp(lifetime=timedelta(seconds=-1))
    with pytest.raises(TokenExpired):
        tokens.identify(str(token))


@pytest.mark.parametrize(
    "kind",
    ["nonsense", "empty", "refresh", "other key", "no algorithm", "no user", "unknown user", "odd user", "huge user"],
)
def test_what_is_no_access_token_of_a_user_is_refused(user: User, settings: Settings, kind: str) -> None:
    refused = {
        "nonsense": "x.y.z",
        "empty": "",
        "refresh": str(sign_ins.begin(user)),
        "other key": jwt.encode({"user_id": user.pk, "token_type": "access"}, "k" * 40, algorithm="HS256"),
        "no algorithm": jwt.encode({"user_id": user.pk, "token_type": "access"}, "", algorithm="none"),
        "no user": signed(settings),
        "unknown user": signed(settings, user_id=user.pk + 1),
        "odd user": signed(settings, user_id="ann"),
        "huge user": signed(settings, user_id=10**30),
    }[kind]
    with pytest.raises(TokenInvalid):
        tokens.identify(refused)


@pytest.mark.parametrize("end", ["signed out", "new password", "inactive", "deleted"])
@pytest.mark.parametrize("maker", ["ours", "plain simplejwt"])
def test_a_session_that_ended_takes_its_tokens_along(user: User, end: str, maker: str) -> None:
    token = str(tokens.make_access_token(user) if maker == "ours" else AccessToken.for_user(user))
    if end == "signed out":
        tokens.sign_out_everywhere(user)
    elif end == "new password":
        user.set_password("another one")
        user.save()
    elif end == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.delete()
    with pytest.raises(TokenInvalid):
        tokens.identify(token)


def test_after_signing_out_everywhere_one_can_sign_in_again(user: User) -> None:
    for _ in range(2):
        tokens.sign_out_everywhere(fresh(user))
        token = str(tokens.make_access_token(fresh(user)))
        assert tokens.identify(token).user == user


def test_the_sweep_learns_whose_connections_must_end() -> None:
    stays, out, gone, inactive = (User.objects.create_user(f"user{n}") for n in range(4))
    held = {user.pk: {tokens.session_stamp(user)} for user in (stays, out, gone, inactive)}
    assert tokens.revoked_users(held) == {}
    tokens.sign_out_everywhere(out)
    gone_id = gone.pk
    gone.delete()
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    valid = tokens.session_stamp(fresh(out))
    assert tokens.revoked_users(held) == {out.pk: valid, gone_id: None, inactive.pk: None}
    # One that signed in again since stays, its old connections do not.
    assert tokens.revoked_users({out.pk: {*held[out.pk], valid}}) == {out.pk: valid}
    assert tokens.revoked_users({out.pk: {valid}}) == {}
