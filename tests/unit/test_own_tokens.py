"""Our tokens beside those that a project makes for its own API with simplejwt, whatever its settings for them."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt import exceptions
from rest_framework_simplejwt import tokens as simplejwt

from taskrealtime.engine.auth import sign_ins, tokens
from taskrealtime.engine.auth.jwt import password_claim
from taskrealtime.engine.wire.errors import TokenInvalid

pytestmark = pytest.mark.django_db
KEY = "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
OTHER = "9876543210-zyxwvutsrqponmlkjihgfedcba-9876543210"
PASSWORD = "correct horse battery staple"
#: What a project may have in SIMPLE_JWT for its own API.
FOREIGN = {
    "ALGORITHM": "HS512",
    "SIGNING_KEY": KEY * 2,
    "AUDIENCE": "billing",
    "ISSUER": "https://billing.example.org",
    "ACCESS_TOKEN_LIFETIME": timedelta(days=365),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=1),
    "USER_ID_FIELD": "username",
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": None,
    "JTI_CLAIM": None,
    "AUTH_TOKEN_CLASSES": ("rest_framework_simplejwt.tokens.SlidingToken",),
    "CHECK_REVOKE_TOKEN": False,
    "LEEWAY": 10_000,
}


@pytest.fixture
def project(settings: Settings) -> Settings:
    """Settings of a project that has nothing of ours."""
    settings.TASKREALTIME = {}
    return settings


@pytest.fixture
def ann(project: Settings) -> User:
    return User.objects.create_user("ann", password=PASSWORD)


def post(path: str, body: dict[str, Any]) -> Any:
    return Client().post(path, body, content_type="application/json")


def test_a_projects_settings_for_its_own_tokens_change_nothing(ann: User, project: Settings) -> None:
    project.SIMPLE_JWT = FOREIGN
    pair = post("/api/token/", {"username": "ann", "password": PASSWORD}).json()
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    assert claims["token_type"] == "access"
    assert claims["user_id"] == str(ann.pk)
    assert claims["exp"] - claims["iat"] == 600
    assert tokens.identify(pair["access"]).user == ann
    fresh = post("/api/token/refresh/", {"refresh": pair["refresh"]})
    assert fresh.status_code == 200
    assert Client().get("/api/me/", headers={"Authorization": f"Bearer {fresh.json()['access']}"}).status_code == 200


def test_the_lifetimes_are_ours(ann: User, project: Settings) -> None:
    project.TASKREALTIME = {"ACCESS_TOKEN_MINUTES": 2, "REFRESH_TOKEN_DAYS": 3}
    refresh = sign_ins.begin(ann)
    assert refresh["exp"] - refresh["iat"] == 3 * 86400
    assert refresh.access_token["exp"] - refresh["iat"] in {120, 121}


@pytest.mark.parametrize("foreign", [{}, {"CHECK_REVOKE_TOKEN": True}], ids=["default", "with our claims"])
def test_neither_sides_tokens_count_at_the_other(ann: User, project: Settings, foreign: dict[str, Any]) -> None:
    project.SIMPLE_JWT = foreign
    theirs, ours = simplejwt.AccessToken.for_user(ann), tokens.make_access_token(ann)
    with pytest.raises(TokenInvalid):
        tokens.identify(str(theirs))
    with pytest.raises(exceptions.TokenError):
        simplejwt.AccessToken(str(ours))  # type: ignore[arg-type]


def test_a_project_that_wants_it_gives_both_the_same_key(ann: User, project: Settings) -> None:
    project.TASKREALTIME = {"SIGNING_KEY": project.SECRET_KEY}
    project.SIMPLE_JWT = {"CHECK_REVOKE_TOKEN": True, "SIGNING_KEY": project.SECRET_KEY}
    assert tokens.identify(str(simplejwt.AccessToken.for_user(ann))).user == ann
    assert simplejwt.AccessToken(str(tokens.make_access_token(ann)))["user_id"] == str(ann.pk)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "before, after",
    [
        ({"SECRET_KEY": KEY}, {"SECRET_KEY": OTHER, "SECRET_KEY_FALLBACKS": [KEY]}),
        (
            {"TASKREALTIME": {"SIGNING_KEY": KEY}},
            {"TASKREALTIME": {"SIGNING_KEY": OTHER, "SIGNING_KEY_FALLBACKS": [KEY]}},
        ),
        ({"TASKREALTIME": {}}, {"TASKREALTIME": {"SIGNING_KEY": OTHER}}),
    ],
    ids=["SECRET_KEY", "SIGNING_KEY", "the first SIGNING_KEY"],
)
def test_another_key_leaves_the_tokens_of_the_one_before(
    ann: User, project: Settings, before: dict[str, Any], after: dict[str, Any]
) -> None:
    for name, value in before.items():
        setattr(project, name, value)
    access, refresh = str(tokens.make_access_token(ann)), str(sign_ins.begin(ann))
    for name, value in after.items():
        setattr(project, name, value)
    assert tokens.identify(access).user == ann
    assert len(sign_ins.of_user(ann)) == 1
    assert post("/api/token/refresh/", {"refresh": refresh}).status_code == 200
    project.SECRET_KEY, project.SECRET_KEY_FALLBACKS, project.TASKREALTIME = OTHER * 2, [], {"SIGNING_KEY": OTHER * 2}
    with pytest.raises(TokenInvalid):
        tokens.identify(access)


def test_a_token_of_the_release_before_counts_in_the_demo(settings: Settings) -> None:
    ann = User.objects.create_user("ann", password=PASSWORD)
    now = timezone.now()
    claims = {
        "token_type": "access",
        "exp": now + timedelta(minutes=10),
        "iat": now,
        "jti": "0123456789abcdef0123456789abcdef",
        "user_id": str(ann.pk),
        "hash_password": password_claim(ann),
        "session": 0,
        "browser": "0123456789abcdef",
    }
    token = jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")
    assert tokens.identify(token).user == ann


def test_a_projects_table_of_tokens_is_left_alone(ann: User, project: Settings) -> None:
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    simplejwt.RefreshToken.for_user(ann)
    OutstandingToken.objects.update(expires_at=timezone.now() - timedelta(days=1))
    before = list(OutstandingToken.objects.values_list("token", "expires_at"))
    sign_ins.forget_expired(timezone.now(), 10)
    assert list(OutstandingToken.objects.values_list("token", "expires_at")) == before
