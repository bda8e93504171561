"""The fixtures of every test.

End-to-end tests run once on each kind of installation (`embedded`, `deployed`):
`stack` is a fresh one for this test, without a server yet; `server` is a running one that the tests of a
module share, each with users and projects of its own.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_migrate
from pytest_django import Settings

from tests import services
from tests.services.process import scratch
from tests.services.run import WORKER
from tests.support.sockets import Socket
from tests.support.stacks import KINDS, LIGHT, ROOT, Server, Stack, User, migrated_postgres, migrated_sqlite

Connect = Callable[..., Socket]
UNMARKED = "Redis and the channel layer are there for tests with the mark `services` alone."


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Settings) -> None:
    """A password's hash takes a third of a second on purpose: not in the tests of this process."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_static_files(settings: Settings) -> None:
    """Each `Client` builds the middleware again, and finding every static file takes it a tenth of a second."""
    settings.SERVESTATIC_USE_FINDERS = False
    settings.SERVESTATIC_USE_STATIC_ROOT = False


class _Unasked(list[str]):
    """In place of the Redis servers: code that asks for them is found out, even where it bears their loss."""

    asked = False

    def _refuse(self, *_: object) -> Any:
        self.asked = True
        raise AssertionError(UNMARKED)

    __bool__ = __len__ = __iter__ = __getitem__ = _refuse


@pytest.fixture(autouse=True)
def _nothing_unmarked(request: pytest.FixtureRequest, settings: Settings) -> Iterator[None]:
    """No Redis and no channel layer without the mark `services`; that there is no database, pytest-django sees to."""
    if request.node.get_closest_marker("services"):
        yield
        return
    settings.REDIS_URLS = unasked = _Unasked()
    layer = {"BACKEND": "tests.conftest.no_channel_layer", "CONFIG": {"servers": unasked}}
    settings.CHANNEL_LAYERS = {"default": layer}
    yield
    assert not unasked.asked, UNMARKED


def no_channel_layer(servers: list[str]) -> None:
    """In place of the channel layer."""
    bool(servers)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Take the database that `django_db_modify_db_settings` has made."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Make the database of this process: a copy of the migrated one.

    SQLite as it is used for real, in a file: in memory, where Django puts it for tests, its locks differ. And without
    the rows of `auth_permission`, which no test needs: each test that commits would write them again.
    """
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    if connection.vendor == "sqlite":
        name = str(scratch() / "in-process-test.sqlite3")
        shutil.copy(migrated_sqlite(), name)
    else:
        name = f"in-process-{WORKER}"
        services.shared_postgres().create_database(name, migrated_postgres())
    connection.settings_dict["TEST"]["NAME"] = name


@pytest.fixture(params=KINDS)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation for this test alone: start servers on it with `stack.server()`."""
    yield from fresh_stack(request)


def fresh_stack(request: pytest.FixtureRequest, settings: str = LIGHT, kind: type[Stack] = Stack) -> Iterator[Stack]:
    """What a fixture `stack` yields."""
    stack = kind(request.param, settings=settings)
    request.node.stash[_STACK] = stack
    yield stack
    stack.close()


@pytest.fixture(scope="module", params=KINDS)
def shared_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The installation behind `server`."""
    stack = Stack(request.param, settings=LIGHT)
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def running_server(shared_stack: Stack) -> Server:
    return shared_stack.server()


@pytest.fixture
def server(running_server: Server, request: pytest.FixtureRequest) -> Server:
    """A running server that this module's tests share. Do not stop it; for that there is `stack`."""
    request.node.stash[_STACK] = running_server.stack
    return running_server


@pytest.fixture
def connect() -> Iterator[Connect]:
    """`connect(server, user)` opens a WebSocket, checks that `connected` comes first, and closes it at the end.

    The frame `connected` is `socket.history[0]`. Further arguments are those of `Server.connect`.
    """
    sockets: list[Socket] = []

    def connect(server: Server, user: User, **options: Any) -> Socket:
        socket = server.connect(user, **options)
        sockets.append(socket)
        first = socket.next()
        assert first["event"] == "connected", first
        return socket

    yield connect
    for socket in sockets:
        socket.close()


#: The files that take longest, the longest first: begun early, none of them keeps one worker busy when the others have
#: nothing left to do. `--durations=30` shows which files belong here.
LONGEST = (
    "flows/test_presence.py",
    "flows/test_front.py",
    "flows/test_serve.py",
    "flows/test_any_user_model.py",
    "flows/test_deployment.py",
    "flows/test_two_installations.py",
    "flows/test_watching.py",
    "flows/test_races.py",
    "flows/test_limits.py",
    "flows/test_fair_share.py",
    "flows/test_in_another_project.py",
    "flows/test_host_sign_in.py",
    "flows/test_delivery.py",
    "flows/test_notifications.py",
    "flows/test_who_may.py",
    "flows/test_events.py",
    "flows/test_hung_and_away.py",
    "flows/test_npm_package.py",
    "flows/test_log_life.py",
    "flows/test_schemathesis.py",
    "flows/test_hostile.py",
    "flows/test_metrics.py",
    "browser/test_three_people.py",
    "browser/test_two_people.py",
    "browser/test_due_dates.py",
    "browser/test_written_texts.py",
    "browser/test_accessibility.py",
    "browser/test_accounts.py",
    "browser/test_in_another_project.py",
    "browser/test_ops.py",
    "browser/test_newcomers.py",
    "browser/test_labels.py",
    "browser/test_concerns.py",
    "browser/test_oidc.py",
    "browser/test_drafts.py",
    "browser/test_offline.py",
    "browser/test_leaving.py",
    "browser/test_german.py",
    "browser/test_input_methods.py",
    "browser/test_company.py",
    "browser/test_members.py",
    "browser/test_looking.py",
    "browser/test_pages.py",
    "faults/test_faults.py",
    "unit/test_reminders.py",
    "unit/test_heartbeat.py",
    "unit/test_notifying.py",
    "unit/test_replay_property.py",
    "unit/test_api_access.py",
    "faults/test_hostile_requests.py",
)
#: One folder after another: a worker ends the servers and the browser of the one before it continues.
FOLDERS = ("flows", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into this order. Mark what talks to servers, so that it can be left out: `-m "not end_to_end"`.

    And what asks the services of this process, for the run on SQLite and memory: nothing else is different there.
    """
    folders = {ROOT / "tests" / name: place for place, name in enumerate(FOLDERS)}
    files = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    assert all(path.exists() for path in files), "LONGEST names a file that is gone"
    items.sort(key=lambda item: (folders.get(item.path.parent, len(folders)), files.get(item.path, len(files))))
    for item in items:
        if {"stack", "shared_stack"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("end_to_end")
        elif item.get_closest_marker("django_db"):
            item.add_marker("services")


_STACK = pytest.StashKey[Stack]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the servers' logs beside a failure."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    stack = item.stash.get(_STACK, None)
    if report.failed and stack is not None:
        for server in stack.servers:
            report.sections.append((f"Server {server.port}", server.log()))
    return report  # type: ignore[return-value]
