"""The acting user: a failure leaves no user's name behind."""

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from taskrealtime.actor import acting_as, current_actor
from taskrealtime.engine.models import Event
from taskrealtime.services import RealTimeService
from tests.support.project_log import ProjectLog
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_action_whose_transaction_cannot_begin_leaves_no_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    bob = world.people["member"]
    given: dict[str, Any] = {"task_id": world.task.pk, "updates": {"title": "First"}, "project_id": world.project.pk}

    def fail(*arguments: object, **options: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as away:
        away.setattr(transaction.Atomic, "__enter__", fail)
        with pytest.raises(OperationalError) as kept:  # with the frames that it came through, as a logger does
            RealTimeService.broadcast_task_updated(**given, updater_id=bob.pk)
    assert kept.value.__traceback__
    assert current_actor() is None
    project_log = ProjectLog(world.project)
    world.task.title = "Saved by a cron job"
    world.task.save()
    assert [data["by"] for data in project_log.data()] == [None]


def test_an_action_that_is_refused_leaves_the_earlier_actor() -> None:
    world = World()
    owner = world.people["owner"]
    with acting_as(owner):
        with pytest.raises(Exception, match="No task"):
            RealTimeService.broadcast_task_created(
                task_id=10**9, project_id=world.project.pk, creator_id=world.people["member"].pk
            )
        assert current_actor() == owner
    assert current_actor() is None
    assert not connection.in_atomic_block
    assert not Event.objects.filter(data__contains=str(10**9)).exists()
