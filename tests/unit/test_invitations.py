"""Invitations: which users may create them, which visitors they admit, and when they end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from taskrealtime import access, actions
from taskrealtime.actions import members
from taskrealtime.actor import acting_as
from taskrealtime.contract import commands
from taskrealtime.engine.models import Event
from taskrealtime.engine.wire.errors import Forbidden, NotFound
from taskrealtime.models import Invitation, Membership, invitations, purging
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def make(world: World, role: str = "owner", **fields: Any) -> tuple[int, str]:
    """A link by that person: its number and secret."""
    command = commands.InvitationCreate(project_id=world.project.pk, **fields)
    answer = actions.perform(world.people[role], command)
    assert isinstance(answer, commands.InvitationMade)
    return answer.invitation_id, answer.secret


def accept(user: User, secret: str, **options: Any) -> commands.Answer:
    command = commands.InvitationAccept(secret_hash=invitations.hash_of(secret))
    return actions.perform(user, command, **options)


def role_of(world: World, user: User) -> str | None:
    return Membership.objects.filter(project=world.project, user=user).values_list("role", flat=True).first()


def new_user(name: str = "newcomer") -> User:
    return User.objects.create_user(name)


# --- Joining ----------------------------------------------------------------------------------


def test_a_user_who_has_the_link_joins_and_the_members_receive_it(world: World) -> None:
    url = world.api("owner").post(world.path("projects/<id:project_id>/invitations/"), {"role": "viewer"}).json()["url"]
    outsider = world.people["outsider"]
    answer = world.api("outsider").post("/api/invitations/accept/", {"secret": url})
    assert (answer.status_code, answer.json()["id"], answer.json()["role"]) == (200, world.project.pk, "viewer")
    event = Event.objects.filter(room=world.project.room, type="project_member_added").order_by("id").last()
    assert event is not None
    data = msgspec.json.decode(event.data)
    assert (data["user"]["id"], data["role"], data["by"]["id"]) == (outsider.pk, "viewer", outsider.pk)
    # They know: they did it themselves.
    assert not Event.objects.filter(room=f"user.{outsider.pk}").exists()


def test_the_secret_is_returned_once_and_stored_nowhere(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/invitations/")
    made = api("POST", path, {}, key="a").json()
    page, _, secret = made.pop("url").partition("#")
    assert page.endswith("/join/")
    assert len(secret) >= 32
    assert api.get(path).json()["results"] == [made]
    accept(new_user(), secret, key="b")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert secret not in str(cursor.fetchall()), table


def test_a_member_keeps_their_role_and_uses_nothing_up(world: World) -> None:
    number, secret = make(world, max_uses=1)
    for role in ("owner", "member", "viewer"):
        accept(world.people[role], secret)
        assert role_of(world, world.people[role]) == role
    assert Invitation.objects.get(pk=number).uses == 0
    newcomer = new_user()
    for _ in range(2):
        accept(newcomer, secret)
    with pytest.raises(NotFound):
        accept(new_user("late"), secret)
    assert Invitation.objects.get(pk=number).uses == 1


def test_a_link_lets_in_as_many_as_it_says(world: World) -> None:
    _, secret = make(world, max_uses=2)
    accept(new_user("one"), secret)
    accept(new_user("two"), secret)
    with pytest.raises(NotFound):
        accept(new_user("three"), secret)


def test_the_same_key_again_joins_once(world: World) -> None:
    number, secret = make(world)
    user = new_user()
    accept(user, secret, key="k")
    assert accept(user, secret, key="k").duplicate is True
    assert Invitation.objects.get(pk=number).uses == 1


def test_of_two_users_who_join_at_once_by_the_last_use_one_is_in(world: World) -> None:
    number, secret = make(world, max_uses=1)
    people = [new_user(f"racer{n}") for n in range(4)]
    start = threading.Barrier(len(people))

    def race(user: User) -> bool:
        start.wait(10)
        try:
            accept(user, secret)
        except NotFound:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(len(people)) as pool:
        assert sorted(pool.map(race, people)) == [False, False, False, True]
    assert Invitation.objects.get(pk=number).uses == 1
    assert Membership.objects.filter(user__in=people).count() == 1


# --- The end of a link ------------------------------------------------------------------------


def expire(world: World, number: int) -> None:
    Invitation.objects.filter(pk=number).update(expires_at=timezone.now())


def revoke(world: World, number: int) -> None:
    assert world.api("owner").delete(world.path(f"projects/<id:project_id>/invitations/{number}/")).status_code == 204


def remove_a_member(world: World, number: int) -> None:
    assert world.api("owner").delete(world.path("projects/<id:project_id>/members/<user:user_id>/")).status_code == 204


def remove_in_a_shell(world: World, number: int) -> None:
    Membership.objects.filter(user=world.people["member"]).delete()


def demote_a_member(world: World, number: int) -> None:
    path = world.path(f"projects/<id:project_id>/members/{world.people['member'].pk}/")
    assert world.api("owner").patch(path, {"role": "viewer"}).status_code == 200


def its_maker_steps_down(world: World, number: int) -> None:
    Membership.objects.filter(user=world.people["member"]).update(role="owner")
    with acting_as(world.people["owner"]):
        Membership.objects.get(user=world.people["owner"]).delete()


def its_maker_is_deactivated(world: World, number: int) -> None:
    User.objects.filter(pk=world.people["owner"].pk).update(is_active=False)


@pytest.mark.parametrize(
    "end",
    [
        expire,
        revoke,
        remove_a_member,
        remove_in_a_shell,
        demote_a_member,
        its_maker_steps_down,
        its_maker_is_deactivated,
    ],
)
def test_a_link_that_ended_lets_no_user_in(world: World, end: Callable[[World, int], None]) -> None:
    number, secret = make(world)
    access.find_invitation(invitations.hash_of(secret), now=timezone.now())
    end(world, number)
    answer = world.api("outsider").post("/api/invitations/accept/", {"secret": secret})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert role_of(world, world.people["outsider"]) is None


def test_a_member_who_leaves_or_is_promoted_ends_no_link(world: World) -> None:
    _, secret = make(world)
    path = world.path("projects/<id:project_id>/members/<user:user_id>/")
    assert world.api("owner").patch(path, {"role": "member"}).status_code == 200
    assert world.api("member").post(world.path("projects/<id:project_id>/leave/")).status_code == 204
    accept(world.people["outsider"], secret)


def test_an_owner_who_stepped_down_and_is_promoted_again_finds_no_old_link(world: World) -> None:
    _, secret = make(world)
    heir, path = world.people["member"], world.path("projects/<id:project_id>/hand-over/")
    assert world.api("owner").post(path, {"user_id": heir.pk, "then": "member"}).status_code == 204
    assert world.api("member").post(path, {"user_id": world.people["owner"].pk, "then": "stay"}).status_code == 204
    with pytest.raises(NotFound):
        accept(world.people["outsider"], secret)


def test_links_of_another_project_are_not_an_owners_to_revoke(world: World) -> None:
    other = World()
    number, secret = make(other)
    assert world.api("owner").delete(world.path(f"projects/<id:project_id>/invitations/{number}/")).status_code == 404
    accept(world.people["outsider"], secret)


def test_a_link_makes_no_owner(world: World) -> None:
    path = world.path("projects/<id:project_id>/invitations/")
    for body in ({"role": "owner"}, {"expires_in_hours": 0}, {"expires_in_hours": 5000}, {"max_uses": 0}):
        assert world.api("owner").post(path, body).json()["code"] == "invalid_data"


def test_a_project_has_so_many_links_at_a_time(world: World) -> None:
    links = [make(world) for _ in range(members.MAX_INVITATIONS)]
    with pytest.raises(Forbidden):
        make(world)
    Invitation.objects.filter(pk=links[0][0]).update(expires_at=timezone.now())
    make(world)


def test_old_links_go_for_good(world: World) -> None:
    number, _ = make(world)
    other, _ = make(world)
    now = timezone.now()
    Invitation.objects.filter(pk=number).update(expires_at=now - timedelta(days=31))
    assert purging.purge_invitations(now - timedelta(days=30), 100) == 1
    assert [one.pk for one in Invitation.objects.all()] == [other]


def test_nonsense_is_no_invitation(world: World) -> None:
    for secret in ("", "x", "x" * 2001, None, 7, "a\0b"):
        answer = world.api("outsider").post("/api/invitations/accept/", {"secret": secret})
        assert answer.status_code in {400, 404}, secret
