"""The fixtures of the end-to-end tests: one server of each kind for the whole folder, and users.

Each test makes a project of its own; the users are shared, so nothing here may depend on what else
happens in their own rooms.

What is the same on each installation is asked of the deployed one, and of the embedded one by the long run. Where
the installation matters, a test or its file says which: `@pytest.mark.installations("deployed", "embedded")`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.conftest import _STACK, fresh_stack
from tests.support.stacks import LIGHT, Server, Stack, User

INSTALLATIONS = ("deployed", pytest.param("embedded", marks=pytest.mark.long))
#: For the tests that stand in `make test` for all of a file in which the installation matters.
both_installations = pytest.mark.installations("deployed", "embedded")
StartServer = Callable[..., Server]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the installations of each test."""
    mark = metafunc.definition.get_closest_marker("installations")
    for name in ("stack", "shared_stack"):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, mark.args if mark else INSTALLATIONS, indirect=True)


@dataclass(frozen=True)
class Users:
    """The users of the tests: `ann` owns the projects, `bob` and `cas` are members, `vic` views, `eve` is a stranger."""

    ann: User
    bob: User
    cas: User
    vic: User
    eve: User


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation for this test alone: start servers on it with `stack.server()`."""
    yield from fresh_stack(request)


@pytest.fixture(scope="package")
def shared_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The installation behind `server`, one for the whole folder, and ended with it: servers cost CPU when idle, too."""
    stack = Stack(request.param, settings=LIGHT)
    # The users keep their tokens, however long a busy machine takes.
    stack.env["ACCESS_TOKEN_MINUTES"] = "600"
    yield stack
    stack.close()


@pytest.fixture(scope="package")
def running_server(shared_stack: Stack) -> Iterator[Server]:
    """Start the server that the tests share. Whatever they did to it, it must have met no fault of its own.

    On the in-memory layer it finds by sweeps alone what the shell writes.
    """
    server = shared_stack.server(SWEEP_INTERVAL="1" if shared_stack.redis else "0.2")
    yield server
    log = server.log(lines=0)
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]


@pytest.fixture
def start_server(shared_stack: Stack, request: pytest.FixtureRequest) -> Iterator[StartServer]:
    """Start servers of this test's own on the shared installation, as `Stack.server` does."""
    request.node.stash[_STACK] = shared_stack
    before = list(shared_stack.servers)
    yield shared_stack.server
    for server in shared_stack.servers:
        if server not in before:
            server.discard()
    shared_stack.servers[:] = before


@pytest.fixture(scope="package")
def users(shared_stack: Stack) -> Users:
    return Users(*(shared_stack.user(f"{name}_{shared_stack.kind}") for name in ("ann", "bob", "cas", "vic", "eve")))


@pytest.fixture
def ann(shared_stack: Stack) -> User:
    """A user of this test alone."""
    return shared_stack.user()


@pytest.fixture
def project(server: Server, users: Users) -> int:
    """A project of this test alone, with all of the users but `eve`; made at once by another process."""
    return make_project(server.stack, users)


def make_project(stack: Stack, users: Users) -> int:
    # Each user joins by themselves, so that there are no notifications: their sockets are silent at first.
    code = (
        "from taskrealtime.actor import acting_as\n"
        "project = Project.objects.create(name='Board')\n"
        "for user_id, role in people:\n"
        "    with acting_as(User.objects.get(pk=user_id)):\n"
        "        Membership.objects.create(project=project, user_id=user_id, role=role)\n"
        "result = project.id"
    )
    people = [(users.ann.id, "owner"), (users.bob.id, "member"), (users.cas.id, "member"), (users.vic.id, "viewer")]
    return int(stack.run(code, people=people))
