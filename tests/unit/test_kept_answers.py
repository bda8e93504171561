"""A repeated key is answered without words that its author may no longer read; no kept answer holds any."""

import importlib
import json
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from taskrealtime import actions
from taskrealtime.contract import commands
from taskrealtime.engine.models import IdempotencyKey
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Membership, Project, Task
from tests.support.world import World

pytestmark = pytest.mark.django_db


def create(world: World) -> commands.TaskAnswer:
    command = commands.TaskCreate(project_id=world.project.pk, title="secret one", description="secret two")
    answer = actions.perform(world.people["member"], command, key="create")
    assert isinstance(answer, commands.TaskAnswer)
    return answer


def kept() -> str:
    return " ".join(IdempotencyKey.objects.values_list("answer", flat=True))


def test_a_repeated_key_gets_the_task_as_it_is_now(world: World) -> None:
    first = create(world)
    Task.objects.filter(pk=first.task.id).update(title="renamed")
    again = create(world)
    assert (again.task.id, again.task.title, again.duplicate) == (first.task.id, "renamed", True)
    assert "secret" not in kept()


def test_a_repeated_key_reveals_nothing_of_a_deleted_task(world: World) -> None:
    first = create(world)
    Task.objects.get(pk=first.task.id).delete()
    again = create(world)
    assert (again.task.id, again.task.title, again.task.description) == (first.task.id, "", "")
    assert (again.redacted, again.duplicate) == (True, True)


def test_a_restored_task_of_others_is_not_kept_either(world: World) -> None:
    task = world.task
    Task.objects.filter(pk=task.pk).update(title="secret three")
    task.refresh_from_db()
    task.delete()
    command = commands.TaskRestore(task_id=task.pk)
    restored = actions.perform(world.people["member"], command, key="restore")
    assert isinstance(restored, commands.TaskAnswer)
    assert restored.task.title == "secret three"
    assert "secret" not in kept()


@pytest.mark.parametrize("gone", ["membership", "project"])
def test_a_removed_member_gets_nothing_by_a_repeated_key(world: World, gone: str) -> None:
    create(world)
    if gone == "project":
        Project.objects.get(pk=world.project.pk).delete()
    else:
        Membership.objects.get(project=world.project, user=world.people["member"]).delete()
    with pytest.raises(NotFound):
        create(world)


def test_answers_kept_by_an_earlier_release_lose_their_words() -> None:
    task = {"id": 1, "title": "secret", "description": "secret – ü", "status": "todo"}
    IdempotencyKey.objects.create(
        user_id=1, key="old", fingerprint="x", answer=json.dumps({"task": task}, separators=(",", ":"))
    )
    IdempotencyKey.objects.create(user_id=1, key="other", fingerprint="x", answer='{"task_id":1}')
    migration = importlib.import_module("taskrealtime.engine.migrations.0007_kept_answers")
    migration.blank_texts(apps, SimpleNamespace(connection=connection))
    assert "secret" not in kept()
    assert json.loads(IdempotencyKey.objects.get(key="old").answer)["task"]["status"] == "todo"
    assert IdempotencyKey.objects.get(key="other").answer == '{"task_id":1}'
