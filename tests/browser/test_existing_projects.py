"""Public projects get a board by the lines of docs/existing-project.md, and stay what they are."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.board import Board
from tests.support.public_projects import Answer, Host, Served, lines_for
from tests.support.stacks import ROOT

# Installing a project takes minutes.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

PASSWORD = "a-password-of-the-project"
BOARD = "/board/"
MAKE_USERS = """
from django.contrib.auth import get_user_model
for name in ("alice", "bob"):
    get_user_model().objects.create_superuser(username=name, email=name + "@example.org", password={password!r})
"""
EMAIL_VERIFIED = """
from allauth.account.models import EmailAddress
for user in get_user_model().objects.all():
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=dict(verified=True, primary=True))
"""


def sign_in_at_the_admin(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def sign_in_by_allauth(page: Page, name: str) -> None:
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")


@dataclass
class Project:
    """A host, its addresses that must not change, and its way in."""

    host: Host
    pages: list[str]
    api: list[str]
    sign_in: Callable[[Page, str], None]
    make_users: str
    #: Lines that the page has such a project add to its settings, besides the usual one.
    settings: str = ""
    before: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    def ask(self, served: Served) -> dict[str, Answer]:
        """What a visitor is answered, by path."""
        pages = {path: served.ask(path, "text/html") for path in self.pages}
        return pages | {path: served.ask(path, "application/json") for path in self.api}


ARA = Project(
    Host(
        "ara",
        ["ara[server]==1.8.0", "factory_boy", "faker", "prometheus-client"],
        ["ara"],
        sources="ara==1.8.0",
        package="ara.server",
        env={"ARA_BASE_DIR": "{folder}/data"},
    ),
    ["/", "/hosts", "/api/v1/", "/admin/", "/admin/login/", "/no-such-page"],
    ["/api/", "/api/v1/playbooks", "/api/v1/playbooks/7", "/api/v1/nothing", "/healthcheck/"],
    sign_in_at_the_admin,
    MAKE_USERS,
    settings='LOGIN_URL = "admin:login"',
)
OPENWISP = Project(
    Host(
        "openwisp-users",
        ["django>=5.2,<5.3", "openwisp-users==1.3.2", "whitenoise"],
        ["openwisp_users"],
        package="",
        project=ROOT / "tests" / "support" / "openwisp",
    ),
    ["/", "/admin/login/", "/accounts/login/", "/accounts/logout/", "/api/v1/users/organization/", "/no-such-page"],
    ["/api/v1/users/user/", "/api/v1/nothing/"],
    sign_in_by_allauth,
    MAKE_USERS + EMAIL_VERIFIED,
)


@pytest.fixture(scope="module", params=[pytest.param(ARA, id="ara"), pytest.param(OPENWISP, id="openwisp-users")])
def project(request: pytest.FixtureRequest) -> Project:
    """A project with the board; it was looked at before."""
    project: Project = request.param
    host = project.host
    host.install()
    host.manage("migrate", "--verbosity", "0")
    project.versions = host.versions()
    project.before = host.results()
    served = host.serve("runserver", "--noreload")
    project.answers = project.ask(served)
    served.process.end()
    project.added = host.add_board()
    if project.settings:
        assert project.settings in (ROOT / "docs" / "existing-project.md").read_text()
        path = host.file("settings")
        path.write_text(f"{path.read_text()}\n{project.settings}\n")
        project.added.append(project.settings)
    host.manage("migrate", "--verbosity", "0")
    host.manage("shell", "--command", project.make_users.format(password=PASSWORD))
    return project


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[Served]:
    """The project with the board, on our server."""
    served = project.host.serve("serve", "--port")
    yield served
    served.process.end()


def test_a_developer_writes_six_lines_at_most(project: Project) -> None:
    with_asgi = [*project.added, *lines_for("asgi.py").splitlines()]
    assert len(with_asgi) <= 6, with_asgi


def test_the_project_keeps_its_packages(project: Project) -> None:
    now = project.host.versions()
    assert {name: now[name] for name in project.versions} == project.versions
    assert project.host.pip("check").strip() == "No broken requirements found."


def test_django_finds_nothing_wrong_and_no_migration_missing(project: Project) -> None:
    found = re.findall(r"^\?: \((\S+)\)|^(\S+): \(\S+\)", project.host.manage("check"), re.MULTILINE)
    assert found == [("taskrealtime.W006", "")]  # both are on SQLite as Django has it
    project.host.manage("makemigrations", "--check", "--dry-run", "taskrealtime", "engine")


def test_the_projects_own_tests_end_as_they_did(project: Project) -> None:
    assert sum(outcome == "ok" for outcome in project.before.values()) >= 50
    assert project.host.results() == project.before


@pytest.mark.parametrize("command", [("runserver", "--noreload"), ("serve", "--port")], ids=["wsgi", "ours"])
def test_the_project_answers_as_it_did_to_the_byte(project: Project, command: tuple[str, str]) -> None:
    served = project.host.serve(*command)
    answers = project.ask(served)
    served.process.end()
    for path, before in project.answers.items():
        assert answers[path] == before, path


def test_two_of_its_users_share_a_board(project: Project, served: Served, browser: Browser) -> None:
    alice, bob = (open_board(project, served, browser, name) for name in ("alice", "bob"))
    alice.get_by_label("New project name").fill("Launch")
    alice.get_by_role("button", name="Create project").click()
    first = Board(alice)
    alice.get_by_role("button", name="Members").click()
    alice.locator("dialog [name=username]").fill("bob")
    alice.locator("dialog [name=username]").press("Enter")
    bob.get_by_role("link", name="Launch").click()
    second = Board(bob)
    alice.keyboard.press("Escape")
    (task,) = first.add("todo", "Write the announcement")
    expect(second.card(task)).to_contain_text("Write the announcement")
    (answer,) = second.add("todo", "Print the posters")
    expect(first.card(answer)).to_contain_text("Print the posters")


def open_board(project: Project, served: Served, browser: Browser, name: str) -> Page:
    page = browser.new_context(base_url=served.url).new_page()
    page.goto(BOARD)
    project.sign_in(page, name)
    expect(page).to_have_url(re.compile(f"{BOARD}$"))
    return page
