"""What the tests inside the pytest process share."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

from taskrealtime.engine import log
from taskrealtime.engine.installation import epochs
from tests.support.helpdesk.installed import installed
from tests.support.helpdesk.models import Queue
from tests.support.project_log import ProjectLog
from tests.support.world import World


@pytest.fixture
def world() -> World:
    """A project with an owner, a member and a viewer, an outsider, and a task with a comment."""
    return World()


@pytest.fixture
def project_log(world: World) -> ProjectLog:
    """The events of the project from now on."""
    return ProjectLog(world.project)


@pytest.fixture(scope="module")
def helpdesk(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The live models of `tests.support.helpdesk`, with their triggers."""
    with django_db_blocker.unblock(), installed():
        yield


@pytest.fixture
def queue(helpdesk: None) -> Queue:
    """A queue of the help desk."""
    return Queue.objects.create(name="Support")


#: Bytes of a table that are cheaper to truncate than to go through.
MUCH = 1_000_000


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Empty the tables after a test with `transaction=True` in a tenth of the time.

    `TRUNCATE` gives every table and index new files, which takes PostgreSQL longer than most tests. The content types,
    which each flush would write again, are made by Django where a test asks for one.
    """
    post_migrate.disconnect(create_contenttypes)
    if connection.vendor == "postgresql":
        truncate = connection.ops.sql_flush

        def sql_flush(*args: Any, **options: Any) -> list[str]:
            statements = truncate(*args, **options)
            return [_EMPTY.format(truncate=" ".join(statements), much=MUCH)] if statements else []

        connection.ops.sql_flush = sql_flush  # type: ignore[method-assign]


#: Constraints and triggers need not be asked: every row goes.
_EMPTY = """
DO $$
DECLARE
    filled text;
BEGIN
    IF (SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace) > {much} THEN
        {truncate}
    ELSE
        SET LOCAL session_replication_role = replica;
        FOR filled IN
            SELECT relname FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'django_migrations' AND pg_relation_size(oid) > 0
        LOOP
            EXECUTE format('DELETE FROM %I', filled);
        END LOOP;
    END IF;
END $$
"""


@pytest.fixture
def known_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process knows the epoch of the log, and does not read it again while the test counts statements."""
    log.epoch()
    monkeypatch.setattr(epochs, "FRESH_SECONDS", math.inf)
