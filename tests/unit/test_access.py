"""Access rules; an object that the user may not know of is not found."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from taskrealtime import access
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, NotFound
from taskrealtime.models import Membership
from tests.support.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_installation]


def outcome(act: Callable[[], Any]) -> str:
    """`yes`, or the code of the error that it met."""
    try:
        act()
    except (NotFound, Forbidden, InvalidData) as error:
        return error.code
    return "yes"


@pytest.mark.parametrize(
    "role, sees, changes, owns",
    [
        ("owner", "yes", "yes", "yes"),
        ("member", "yes", "yes", "forbidden"),
        ("viewer", "yes", "forbidden", "forbidden"),
        ("outsider", "not_found", "not_found", "not_found"),
    ],
)
def test_a_role_says_what_one_may(world: World, role: str, sees: str, changes: str, owns: str) -> None:
    user, project_id = world.people[role], world.project.pk
    assert outcome(lambda: access.require_member(user, project_id)) == sees
    assert outcome(lambda: access.lock_member(user, project_id)) == sees
    assert outcome(lambda: access.lock_editor(user, project_id)) == changes
    assert outcome(lambda: access.lock_task(user, world.task.pk)) == changes
    assert outcome(lambda: access.lock_owner(user, project_id)) == owns
    visible = [
        access.visible_projects(user).count(),
        access.visible_tasks(user).count(),
        access.visible_comments(user).count(),
    ]
    assert visible == ([1, 1, 1] if sees == "yes" else [0, 0, 0])


@pytest.mark.parametrize(
    "role, edits, deletes",
    [
        ("owner", "forbidden", "yes"),
        ("member", "yes", "yes"),
        ("viewer", "forbidden", "forbidden"),
        ("outsider", "not_found", "not_found"),
    ],
)
def test_a_comment_is_its_authors_and_an_owner_may_delete_it(world: World, role: str, edits: str, deletes: str) -> None:
    user = world.people[role]
    assert outcome(lambda: access.lock_comment(user, world.comment.pk, owners_too=False)) == edits
    assert outcome(lambda: access.lock_comment(user, world.comment.pk, owners_too=True)) == deletes


def test_an_author_who_became_a_viewer_changes_no_comment(world: World) -> None:
    Membership.objects.filter(user=world.people["member"]).update(role="viewer")
    user = world.people["member"]
    assert outcome(lambda: access.lock_comment(user, world.comment.pk, owners_too=True)) == "forbidden"


def test_what_is_deleted_is_not_found_unless_it_is_to_be_restored(world: World) -> None:
    user = world.people["member"]
    world.task.delete()
    assert outcome(lambda: access.lock_task(user, world.task.pk)) == "not_found"
    assert outcome(lambda: access.lock_comment(user, world.comment.pk, owners_too=True)) == "not_found"
    assert access.visible_comments(user).count() == access.visible_tasks(user).count() == 0
    assert access.lock_task(user, world.task.pk, gone=True) == world.task


@pytest.mark.parametrize("id", [0, -1, 10**15])
def test_what_never_was_is_not_found(world: World, id: int) -> None:
    user = world.people["owner"]
    assert outcome(lambda: access.require_member(user, id)) == "not_found"
    assert outcome(lambda: access.lock_task(user, id)) == "not_found"
    assert outcome(lambda: access.lock_comment(user, id, owners_too=True)) == "not_found"


def test_tasks_are_assigned_to_members_or_unassigned(world: World) -> None:
    ids = {role: user.pk for role, user in world.people.items()}
    for role, id in ids.items():
        answer = outcome(partial(access.require_assignable, world.project.pk, id, "assignee_id"))
        assert answer == ("invalid_data" if role == "outsider" else "yes")
    access.require_assignable(world.project.pk, None, "assignee_id")
    with pytest.raises(InvalidData) as refused:
        access.require_assignable(world.project.pk, ids["outsider"], "changes.assignee_id")
    assert [detail["field"] for detail in refused.value.details] == ["changes.assignee_id"]


def test_a_project_keeps_an_owner(world: World) -> None:
    owner = Membership.objects.get(project=world.project, role="owner")
    assert outcome(lambda: access.require_other_owner(owner)) == "forbidden"
    member = Membership.objects.get(project=world.project, role="member")
    assert outcome(lambda: access.require_other_owner(member)) == "yes"
    Membership.objects.filter(pk=member.pk).update(role="owner")
    assert outcome(lambda: access.require_other_owner(owner)) == "yes"
