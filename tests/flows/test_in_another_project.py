"""The board in a project of others, below a prefix: what is its own stays below it, and the project stays as it was."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.host import PREFIX, HostStack
from tests.support.stacks import Server, User

#: Addresses of the project, by the names that things of ours have, too.
ADDRESSES = [
    ("GET", "/"),
    ("GET", "/login/"),
    ("POST", "/login/"),
    ("POST", "/logout/"),
    ("GET", "/account/"),
    ("GET", "/api/"),
    ("GET", "/api/token/"),
    ("POST", "/api/"),
    ("GET", "/projects/1/"),
    ("GET", "/nowhere/"),
    ("GET", "/healthz"),
    ("GET", "/admin/login/"),
    ("GET", "/assets/css/base.css"),
    ("GET", "/assets/js/websocket_client.js"),
]


@pytest.fixture(scope="module")
def host() -> Iterator[Server]:
    stack = HostStack()
    yield stack.server()
    stack.close()


@pytest.fixture(scope="module")
def moved() -> Iterator[Server]:
    """The same where the whole project is below a path of its host, and the board's socket elsewhere."""
    stack = HostStack(
        {
            "FORCE_SCRIPT_NAME": "/intranet",
            "TASKREALTIME": {"SOCKET_PATH": "/live/socket/"},
            "SILENCED_SYSTEM_CHECKS": ["taskrealtime.W006"],  # of SQLite
        }
    )
    yield stack.server()
    stack.close()


def seen(server: Server, method: str, path: str) -> tuple[int, dict[str, str], str]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        answer = client.request(method, path)
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "expires"}}
    cookies = re.compile(r"csrftoken=\w+|expires=[^;]+")
    headers = {name: cookies.sub("", value) for name, value in headers.items()}
    return answer.status_code, headers, re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", answer.text)


def test_the_projects_own_answers_are_the_same_with_and_without_the_board(host: Server) -> None:
    without = HostStack(BOARD="0")
    try:
        server = without.server()
        for method, path in ADDRESSES:
            assert seen(host, method, path) == seen(server, method, path), (method, path)
    finally:
        without.close()


def test_what_the_board_does_not_have_below_its_prefix_is_the_projects_to_answer(host: Server) -> None:
    status, _, text = seen(host, "GET", f"{PREFIX}/nowhere/")
    assert (status, "The helpdesk has no such page" in text) == (404, True)


def test_below_the_api_an_unknown_address_is_answered_in_json(host: Server) -> None:
    for method, path in (("GET", "nowhere/"), ("POST", "token/")):
        answer = httpx.request(method, f"{host.url}{PREFIX}/api/{path}", timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_visitors_are_sent_to_the_projects_sign_in(host: Server) -> None:
    answer = httpx.get(f"{host.url}{PREFIX}/projects/7/", timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/login/?next={PREFIX}/projects/7/")


def links(page: str) -> set[str]:
    """What the page links to, loads and posts to, on its own host."""
    return set(re.findall(r'(?:href|src|action|data-operations)="(/[^"]*)"', page))


def test_pages_lead_to_nothing_that_the_project_does_not_have(host: Server) -> None:
    user = host.stack.user(is_staff=True)
    with httpx.Client(base_url=host.url, cookies={"sessionid": host.session(user)}, timeout=60) as browser:
        project = host.stack.run(
            "p = Project.objects.create(name='Garden')\n"
            "Membership.objects.create(project=p, user_id=user, role='owner')\nresult = p.id",
            user=user.id,
        )
        for path in ("", f"projects/{project}/", "ops/", "connection/", "join/", "projects/999/"):
            page = browser.get(f"{PREFIX}/{path}")
            assert 'data-base="/tools/board"' in page.text
            found = links(page.text)
            assert found, path
            for link in found - {"/logout/"}:
                assert link.startswith((f"{PREFIX}/", "/assets/taskrealtime/")), (path, link)
                assert browser.get(link).status_code in {200, 405}, (path, link)


@pytest.mark.parametrize("where", ["host", "moved"])
def test_addresses_that_the_server_gives_stay_below_the_prefix(where: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(where)
    root, socket = ("/intranet", "/intranet/live/socket/") if where == "moved" else ("", "/ws/")
    base = f"{server.url}{root}{PREFIX}"
    user = server.stack.user()
    with server.api(user) as api:
        project = api.post(f"{base}/api/projects/", json={"name": "Garden"}).json()["id"]
        invitation = api.post(f"{base}/api/projects/{project}/invitations/", json={"role": "member"}).json()
        assert invitation["url"].startswith(f"{base}/join/#")
        for title in ("One", "Two"):
            assert api.post(f"{base}/api/tasks/", json={"project_id": project, "title": title}).status_code == 201
        page = api.get(f"{base}/api/tasks/?project={project}&page_size=1").json()
        assert page["next"].startswith(f"{base}/api/tasks/?")
        assert len(api.get(page["next"]).json()["results"]) == 1
        openapi = api.get(f"{base}/api/schema/?format=json").json()
        assert openapi["servers"] == [{"url": f"{root}{PREFIX}"}]
        assert "/api/tasks/" in openapi["paths"]
        assert "/api/token/" not in openapi["paths"]
        asyncapi = api.get(f"{base}/api/asyncapi/").json()
        assert asyncapi["channels"]["socket"]["address"] == socket
    with httpx.Client(cookies={"sessionid": server.session(user)}, timeout=60) as browser:
        answer = browser.get(f"{base}/join/")
        assert f'data-base="{root}{PREFIX}" data-socket="{socket}"' in answer.text
        choice = {"next": f"{root}{PREFIX}/", "language": "en"}
        assert browser.post(f"{base}/language/", data=choice).headers["location"] == f"{root}{PREFIX}/"
    assert httpx.get(f"{base}/", timeout=60).headers["location"] == f"{root}/login/?next={root}{PREFIX}/"


@pytest.mark.parametrize("where", ["host", "moved"])
def test_events_arrive_by_socket_and_by_long_poll(where: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(where)
    root, socket = ("/intranet", "/intranet/live/socket/") if where == "moved" else ("", "/ws/")
    base = f"{server.url}{root}{PREFIX}/api"
    user: User = server.stack.user()
    server.ws_url = f"ws://127.0.0.1:{server.port}{socket}"
    with server.api(user) as api, server.connect(user) as client:
        project = api.post(f"{base}/projects/", json={"name": "Garden"}).json()["id"]
        joined = client.ask("join_project", {"project_id": project})
        task = api.post(f"{base}/tasks/", json={"project_id": project, "title": "Paint"}).json()["id"]
        assert client.expect("task_created")["data"]["task"]["id"] == task
        since = f"since={joined['seq'] + 1}&epoch={joined['epoch']}"
        server.stack.run("t = Task.objects.get(id=id); t.title = 'Later'; t.save()", id=task)
        events: list[Any] = api.get(f"{base}/projects/{project}/events/?{since}&wait=20").json()["events"]
        assert [event["event"] for event in events] == ["task_updated"]


def ask(host: Server, method: str, path: str, *, settings: Any = None, body: Any = None, **headers: str) -> Any:
    """What a signed-in user gets where the project has these settings, too; `{PROJECT}` is a project of that user."""
    code = (
        "from django.contrib.auth.models import User\n"
        "from django.test import Client, override_settings\n"
        "from taskrealtime.actor import acting_as\n"
        "user, _ = User.objects.get_or_create(username='asking')\n"
        "with acting_as(user):\n"
        "    project, is_new = Project.objects.get_or_create(name='<b>Garden</b>')\n"
        "    if is_new:\n"
        "        Membership.objects.create(project=project, user=user, role='owner')\n"
        "with override_settings(**settings):\n"
        "    browser = Client(headers=headers)\n"
        "    browser.force_login(user)\n"
        "    body = {'data': body, 'content_type': 'application/json'} if body else {}\n"
        "    answer = getattr(browser, method)(path.replace('{PROJECT}', str(project.pk)), **body)\n"
        "result = {'status': answer.status_code, 'text': answer.content.decode()}\n"
    )
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    values = {"method": method.lower(), "path": f"{PREFIX}/{path}", "settings": settings or {}, "body": body}
    return host.stack.run(code, headers=headers, **values)


MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
PAGES = ["", "projects/{PROJECT}/", "connection/", "join/", "projects/999/"]


def test_the_api_speaks_english_whatever_languages_the_project_has(host: Server) -> None:
    german = {"MIDDLEWARE": MIDDLEWARE, "LANGUAGE_CODE": "de"}
    for method, path, body in (
        ("DELETE", "projects/", None),
        ("PATCH", "me/", {"email": "nothing"}),
        ("PATCH", "me/", {"timezone": "Nowhere"}),
        ("POST", "projects/", {"name": ""}),
    ):
        english = ask(host, method, f"api/{path}", body=body)
        assert english["status"] in {400, 405}, english
        assert ask(host, method, f"api/{path}", body=body, settings=german, Accept_Language="de") == english


@pytest.mark.parametrize(
    "languages, active, shown",
    [
        ([("en-us", "American"), ("pl", "Polish")], "en-us", "en"),
        ([("de-at", "Austrian"), ("pl", "Polish")], "de-at", "de"),
        ([("de", "German"), ("pl", "Polish")], "pl", "en"),
    ],
)
def test_pages_are_in_the_nearest_language_of_theirs(host: Server, languages: Any, active: str, shown: str) -> None:
    project = {"MIDDLEWARE": MIDDLEWARE, "LANGUAGES": languages, "LANGUAGE_CODE": active}
    for path in PAGES:
        page = ask(host, "GET", path, settings=project, Accept_Language=active)["text"]
        assert f'<html lang="{shown}"' in page, path
        assert ("taskrealtime/js/texts/de/" in page) == (shown == "de" and path in PAGES[:3]), path
        # Django has Polish for "Settings" and others.
        assert ("Ustawienia" in page, "Einstellungen" in page) == (False, shown == "de" and path in PAGES[:2]), path
        assert "data-languages" not in page, "there is nothing to choose"


def test_pages_of_a_project_without_translations_are_in_english() -> None:
    stack = HostStack({"USE_I18N": False, "LANGUAGE_CODE": "de"})
    try:
        page = stack.run(
            "from django.template.loader import render_to_string\n"
            "result = render_to_string('taskrealtime/board.html', {'project': {'name': 'Garden', 'id': 7}})"
        )
        assert '<html lang="en"' in page
        assert "Filter tasks" in page
        assert "taskrealtime/js/texts/" not in page
    finally:
        stack.close()


def test_a_project_below_a_path_of_its_host_has_nothing_to_mend(moved: Server) -> None:
    moved.stack.manage("check", "--fail-level", "WARNING")  # raises where there is something


def test_pages_offer_the_languages_that_they_and_the_project_have(host: Server) -> None:
    project: dict[str, Any] = {"MIDDLEWARE": MIDDLEWARE}  # with all of Django's hundred languages
    page = ask(host, "GET", "", settings=project)["text"]
    assert re.findall(r'name="language" value="([^"]+)"', page) == ["de", "en"]
    project["MIDDLEWARE"] = [path for path in MIDDLEWARE if "locale" not in path]
    assert "data-languages" not in ask(host, "GET", "", settings=project)["text"]


def test_pages_need_nothing_of_the_projects_templates(host: Server) -> None:
    """No context processor, names that do not exist marked, and texts put into pages as they are."""
    ours = host.stack.run(
        "from django.conf import settings\nresult = [str(path) for path in settings.TEMPLATES[0]['DIRS']]"
    )
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": ours,
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [], "string_if_invalid": "UNKNOWN", "autoescape": False},
    }
    for path in PAGES:
        token = re.compile(r'(csrf-token" content="|csrfmiddlewaretoken" value=")\w+')
        usual, bare = (
            token.sub(r"\1", ask(host, "GET", path, settings=settings)["text"])
            for settings in ({}, {"TEMPLATES": [engine]})
        )
        assert bare == usual, path
        assert "<b>" not in bare, path


def test_pages_lead_to_the_accounts_where_the_project_includes_them(host: Server) -> None:
    with_accounts = {"ROOT_URLCONF": "tests.support.host_urls_with_accounts"}
    for path, settings, leads in (
        ("projects/{PROJECT}/", {}, False),
        ("projects/{PROJECT}/", with_accounts, True),
    ):
        page = ask(host, "GET", path, settings=settings)["text"]
        found = {link for link in links(page) if "/people/" in link}
        expected = {"/people/logout/", "/people/password/", "/people/account/"}
        assert found == (expected if leads else set())
    openapi = json.loads(ask(host, "GET", "api/schema/?format=json", settings=with_accounts)["text"])
    assert openapi["paths"]["/api/token/"]["servers"] == [{"url": "/people"}]
    assert "servers" not in openapi["paths"]["/api/token/refresh/"]


def test_an_account_that_a_command_changes_is_mailed_where_the_project_includes_our_pages(host: Server) -> None:
    """Asked in a process that has not loaded them: a command reads no URLs."""
    code = (
        "from django.contrib.auth.models import User\n"
        "user = User.objects.get(pk=pk)\n"
        "user.set_password('another one')\n"
        "user.save()"
    )
    user = host.stack.user(email="ann@example.org")
    for urls, subjects in (("host_urls", []), ("host_urls_with_accounts", ["Subject: Your password was changed"])):
        printed = host.stack.manage(
            "shell",
            "-c",
            code.replace("pk=pk", f"pk={user.id!r}"),
            HOST_SETTINGS=json.dumps(
                {
                    "ROOT_URLCONF": f"tests.support.{urls}",
                    "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend",
                }
            ),
        )
        assert re.findall("Subject: .*", printed) == subjects


def test_signing_in_at_our_page_leads_to_the_board_unless_the_project_says_otherwise(host: Server) -> None:
    user = host.stack.user()
    code = (
        "from django.test import Client, override_settings\n"
        "browser, found = Client(), []\n"
        "with override_settings(ROOT_URLCONF='tests.support.host_urls_with_accounts', **settings):\n"
        "    for path in (prefix + '/', '/people/login/', '/people/logout/'):\n"
        "        ask = browser.get if path.startswith(prefix) else browser.post\n"
        "        found.append(ask(path, {'username': name, 'password': password}).headers['Location'])\n"
        "result = found"
    )
    for settings, after_login, after_logout in (
        ({}, f"{PREFIX}/", "/people/login/"),
        ({"LOGIN_REDIRECT_URL": "/account/", "LOGOUT_REDIRECT_URL": "/"}, "/account/", "/"),
    ):
        values = {"settings": settings, "name": user.username, "password": user.password, "prefix": PREFIX}
        first, *others = host.stack.run(code, **values)
        assert first.startswith("/people/login/?"), "our page is there: visitors are sent to it"
        assert others == [after_login, after_logout]


def test_static_files_are_found_named_and_served_as_the_project_has_it(host: Server) -> None:
    """With hashes in their names, from another host."""
    code = (
        "import tempfile\n"
        "from pathlib import Path\n"
        "from django.core.management import call_command\n"
        "from django.test import override_settings\n"
        "from django.template.loader import render_to_string\n"
        "backend = 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'\n"
        "with tempfile.TemporaryDirectory() as root, override_settings(\n"
        "    STATIC_ROOT=root, STATIC_URL='https://cdn.example/desk/', STORAGES={'staticfiles': {'BACKEND': backend}}\n"
        "):\n"
        "    call_command('collectstatic', interactive=False, verbosity=0)\n"
        "    page = render_to_string('taskrealtime/board.html', {'project': {'name': 'Garden', 'id': 7}})\n"
        "    names = [str(path.relative_to(root)) for path in Path(root).rglob('*')]\n"
        "result = page, names"
    )
    page, names = host.stack.run(code)
    loaded = re.findall(r'(?:src|<link rel="(?:stylesheet|icon)" href)="([^"]+)"', page)
    assert len(loaded) >= 3
    for url in loaded:
        assert re.fullmatch(r"https://cdn\.example/desk/taskrealtime/.*\.[0-9a-f]{12}\.(js|css|svg)", url), url
        assert url.removeprefix("https://cdn.example/desk/") in names
    assert {"css/base.css", "taskrealtime/css/base.css"} <= set(names)


def test_the_service_worker_is_for_the_board_alone(host: Server) -> None:
    """Its scope is the folder of its address."""
    answer = httpx.get(f"{host.url}{PREFIX}/worker.js", timeout=60)
    assert answer.headers["content-type"].startswith("text/javascript")
    match = re.fullmatch(r"self\.taskrealtime = (.*);\nimportScripts\((.*)\);\n", answer.text)
    assert match
    assert json.loads(match[1])["base"] == PREFIX
    assert httpx.get(json.loads(match[2]), timeout=60).status_code == 200


def test_the_board_changes_neither_name_nor_address_of_the_projects_users(host: Server) -> None:
    user = host.stack.user(email="ann@example.org", first_name="Ann")
    with host.api(user) as api:
        for change in ({"email": "eve@example.org", "password": "no matter"}, {"name": "Eve"}):
            answer = api.patch(f"{host.url}{PREFIX}/api/me/", json=change)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_data"), change
            assert "cannot be changed here" in answer.text
        same = {"email": "ann@example.org", "name": "Ann", "timezone": "Europe/Rome"}
        assert api.patch(f"{host.url}{PREFIX}/api/me/", json=same).json()["timezone"] == "Europe/Rome"
    kept = "u = User.objects.get(id=id); result = [u.email, u.first_name, u.last_name]"
    assert host.stack.run(kept, id=user.id) == ["ann@example.org", "Ann", ""]


def test_the_button_signs_out_where_the_project_says() -> None:
    stack = HostStack(settings={"TASKREALTIME": {"SIGN_OUT_URL": "/account/bye/"}})
    try:
        server = stack.server()
        cookies = {"sessionid": server.session(stack.user())}
        page = httpx.get(f"{server.url}{PREFIX}/", cookies=cookies, timeout=60)
        assert 'action="/account/bye/"' in page.text
    finally:
        stack.close()
