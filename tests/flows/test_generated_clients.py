"""Clients that others generate from the two documents: made without a warning, and at work on a server."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.sockets import Socket
from tests.support.stacks import Server, Stack, User

pytestmark = [pytest.mark.installations("embedded"), pytest.mark.long]

BIN = Path(sys.executable).parent
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def own_server(shared_stack: Stack) -> Server:
    return shared_stack.server()


def document(server: Server, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.api(Accept="application/json").get(f"/api/{name}/").json()
    return found


def generate(*command: str | Path) -> None:
    """Run a generator, to which a warning is a fault."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which the tests can import."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"taskrealtime_client", "frames"}:
            del sys.modules[name]


# --- HTTP: openapi-python-client ----------------------------------------------------------------


@pytest.fixture
def client(own_server: Server, packages: Path) -> ModuleType:
    """The package that is generated from the OpenAPI document."""
    path, config = packages / "openapi.json", packages / "config.yml"
    path.write_text(json.dumps(document(own_server, "schema")))
    config.write_text("post_hooks: []\n")
    command: list[str | Path] = [
        BIN / "openapi-python-client",
        "generate",
        "--path",
        path,
        "--meta",
        "none",
        "--config",
        config,
    ]
    generate(*command, "--output-path", packages / "taskrealtime_client", "--fail-on-warning")
    return importlib.import_module("taskrealtime_client")


def test_a_generated_client_has_every_operation_and_schema(own_server: Server, client: ModuleType) -> None:
    described = document(own_server, "schema")
    operations = [path[method] for path in described["paths"].values() for method in METHODS if method in path]
    assert len(operations) > 40
    for operation in operations:
        module = importlib.import_module(f"taskrealtime_client.api.{operation['tags'][0]}.{operation['operationId']}")
        assert callable(module.sync_detailed)
    models = importlib.import_module("taskrealtime_client.models")
    assert set(described["components"]["schemas"]) <= set(models.__all__)


def test_a_generated_client_works(own_server: Server, client: ModuleType, ann: User) -> None:
    models = importlib.import_module("taskrealtime_client.models")

    def ask(signed_in: Any, operation: str, *path: int, **given: Any) -> Any:
        module = importlib.import_module(f"taskrealtime_client.api.{operation}")
        return module.sync_detailed(*path, client=signed_in, **given)

    credentials = models.Credentials(username=ann.username, password=ann.password)
    with client.Client(base_url=own_server.url, timeout=60) as stranger:
        tokens = ask(stranger, "token.token_obtain", body=credentials).parsed
        assert isinstance(tokens, models.TokenPair)
        renewed = ask(stranger, "token.token_refresh", body=models.RefreshRequest(tokens.refresh)).parsed
        assert isinstance(renewed, models.TokenPair)
        refused = ask(stranger, "me.me_read")
        assert (refused.status_code, refused.parsed.code) == (401, "unauthenticated")
    with client.AuthenticatedClient(base_url=own_server.url, token=renewed.access, timeout=60) as signed_in:
        work_with(partial(ask, signed_in), models)


def work_with(do: Callable[..., Any], models: ModuleType) -> None:
    project = do("projects.project_create", body=models.ProjectCreate(name="Generated")).parsed
    assert isinstance(project, models.ProjectDetail)
    new = models.TaskCreate(project_id=project.id, title="A", priority=models.TaskCreatePriority.HIGH)
    first = do("tasks.task_create", body=new, idempotency_key="k").parsed
    again = do("tasks.task_create", body=new, idempotency_key="k").parsed
    assert (again.id, again.duplicate) == (first.id, True)
    assert first.priority == models.TaskDetailPriority.HIGH
    changed = do("tasks.task_change_by_put", first.id, body=models.TaskChange(title="B", version=first.version)).parsed
    assert (changed.title, changed.version) == ("B", first.version + 1)
    page = do("tasks.task_list", project=project.id, status=models.TaskListStatus.TODO).parsed
    assert [task.title for task in page.results] == ["B"]
    board = do("projects.project_board", project.id).parsed
    assert isinstance(board, models.Board)
    events = do("projects.project_events", project.id, since=0).parsed
    assert events.head == board.seq

    missing = do("tasks.task_read", 2**40)
    assert missing.status_code == 404
    assert isinstance(missing.parsed, models.ErrorData)
    conflict = do("tasks.task_change", first.id, body=models.TaskChange(title="C", version=first.version))
    assert (conflict.status_code, conflict.parsed.code) == (409, "conflict")
    assert do("tasks.task_delete", first.id).status_code == 204


def test_what_http_has_against_a_request_is_described_with_it(own_server: Server, ann: User) -> None:
    paths = document(own_server, "schema")["paths"]
    api = own_server.api(ann)
    cases = [
        (406, api.get("/api/projects/", headers={"Accept": "text/html"})),
        (413, api.post("/api/projects/", content=b'{"name":"' + b"x" * 300_000 + b'"}', headers=JSON)),
        (415, api.post("/api/projects/", content=b"name=x", headers={"Content-Type": "text/plain"})),
    ]
    for status, answer in cases:
        assert answer.status_code == status
        described = paths["/api/projects/"][answer.request.method.lower()]["responses"]
        assert described[str(status)]["content"]["application/json"]
        assert answer.json()["code"] == "invalid_message"
    for methods in paths.values():
        for operation in methods.values():
            assert {"406", "503"} <= set(operation["responses"])
            assert ("requestBody" not in operation) or {"413", "415"} <= set(operation["responses"])


JSON = {"Content-Type": "application/json"}


# --- The socket: datamodel-code-generator -------------------------------------------------------


@pytest.fixture
def frames(own_server: Server, packages: Path) -> ModuleType:
    """The module that is generated from the AsyncAPI document."""
    path = packages / "asyncapi.json"
    path.write_text(json.dumps(document(own_server, "asyncapi")))
    command: list[str | Path] = [BIN / "datamodel-codegen", "--input-file-type", "asyncapi", "--input", path]
    command += ["--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin"]
    generate(*command, "--output", packages / "frames.py")
    return importlib.import_module("frames")


def test_generated_models_speak_with_the_server(own_server: Server, frames: ModuleType, ann: User) -> None:
    project = own_server.project(ann)
    with own_server.connect(ann) as socket:
        connected = received(frames.ConnectedPayload, socket)
        assert connected.data.user.id == ann.id
        joining = frames.JoinProject(project_id=project)
        send(socket, frames.ClientJoinProjectPayload(event="join_project", id="join", data=joining))
        assert received(frames.AckJoinProjectPayload, socket).id == "join"
        new = frames.TaskCreate(project_id=project, title="Generated", due_at="2031-01-01T00:00:00Z")
        send(socket, frames.ClientTaskCreatePayload(event="task_create", id=2, key="k", data=new))
        created, answer = received(frames.TaskCreatedPayload, socket), received(frames.AckTaskCreatePayload, socket)
        assert created.data.task.title == "Generated"
        assert (answer.id, answer.data.task.id) == (2, created.data.task.id)
        send(socket, frames.ClientPingPayload(event="ping", id=3, data=frames.Ping()))
        assert received(frames.PongPayload, socket).id == 3
        wrong = frames.TaskDelete(task_id=2**40)
        send(socket, frames.ClientTaskDeletePayload(event="task_delete", id=4, data=wrong))
        error = received(frames.ErrorPayload, socket)
        assert (error.id, error.data.code.value) == (4, "not_found")


def send(socket: Socket, model: Any) -> None:
    socket.send_text(model.model_dump_json(exclude_unset=True))


def received(model: Any, socket: Socket) -> Any:
    """The next frame of the model's event, as the model reads it."""
    event: str = model.model_fields["event"].annotation.__args__[0]
    return model.model_validate(socket.expect(event))


def test_every_message_and_enumeration_has_a_name_of_its_own(own_server: Server) -> None:
    """Generators call what has none `AnonymousSchema_1` and so on, and another number with each release."""
    described = document(own_server, "asyncapi")
    titles = [message["payload"]["title"] for message in described["components"]["messages"].values()]
    titles += described["components"]["schemas"]
    assert len(set(titles)) == len(titles)
    assert list(unnamed(described["components"])) == []


def unnamed(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        if "title" not in schema and ({"enum", "oneOf"} & set(schema)):
            yield schema
        for item in schema.values():
            yield from unnamed(item)
    if isinstance(schema, list):
        for item in schema:
            yield from unnamed(item)
