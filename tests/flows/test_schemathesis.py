"""The HTTP API under requests that are made from its own OpenAPI document: right ones and wrong ones."""

import warnings
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support.stacks import Server, Stack, User

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]  # 20 s on an idle machine

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SETTINGS = settings(deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
#: Requests of each mode to each operation.
EXAMPLES = 8
#: Would end the token that all the others come with.
LEFT_OUT = {"token_revoke"}
#: What ends others' ids comes last.
ORDER = ("GET", "POST", "PATCH", "PUT", "DELETE")


@pytest.fixture
def people(stack: Stack) -> tuple[User, User]:
    return stack.user(), stack.user()


def real_ids(server: Server, owner: User, other: User) -> dict[str, int | str]:
    """A project with one of each, for paths to name."""
    api = server.api(owner)
    project = server.project(owner, members=[other])
    task = api.post("/api/tasks/", json={"project_id": project, "title": "A"}).json()["id"]
    comment = api.post(f"/api/tasks/{task}/comments/", json={"content": "c"}).json()["id"]
    link = api.post(f"/api/projects/{project}/invitations/", json={}).json()["id"]
    label = api.post(f"/api/projects/{project}/labels/", json={"name": "l", "color": "red"}).json()["id"]
    ids = {"project_id": project, "task_id": task, "comment_id": comment, "invitation_id": link, "label_id": label}
    return ids | {"user_id": other.id, "seq": 1, "mark": "0" * 32, "room": f"project.{project}"}


@pytest.mark.long
@pytest.mark.installations("embedded")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_no_request_is_our_fault_or_answered_by_surprise(
    stack: Stack, people: tuple[User, User], mode: GenerationMode
) -> None:
    """`EXAMPLES` requests to each operation with real ids, and some with made up ones."""
    server = stack.server()
    document = server.api().get("/api/schema/", headers={"Accept": "application/json"}).json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    operations = [each for each in operations if each.definition.raw["operationId"] not in LEFT_OUT]
    assert len(operations) > 25
    failures: dict[str, Any] = {}
    lasting = real_ids(server, *people)
    with requests.Session() as session:
        for operation in sorted(operations, key=lambda each: ORDER.index(each.method.upper())):
            named = bool(operation.path_parameters)
            real = lasting if operation.method.upper() == "GET" or not named else real_ids(server, *people)
            for ids in (real, None) if named else (None,):
                limits = settings(SETTINGS, max_examples=EXAMPLES if ids else 1 + EXAMPLES // 4)
                error = first_failure(operation, mode, session, server, people[0], ids, limits)
                if error is not None:
                    failures[operation.label] = error
    assert not failures, "\n\n".join(f"{label}: {error}" for label, error in failures.items())


def first_failure(
    operation: Any,
    mode: GenerationMode,
    session: requests.Session,
    server: Server,
    user: User,
    ids: Any,
    limits: settings,
) -> BaseException | None:
    named = {parameter.name for parameter in operation.path_parameters}
    fixed = {"path_parameters": {name: ids[name] for name in named}} if ids else {}
    headers = {"Authorization": f"Bearer {server.token(user)}"}

    @seed(4)
    @limits
    @given(case=operation.as_strategy(mode, **fixed))
    def ask(case: Any) -> None:
        response = case.call(base_url=server.url, session=session, headers=headers, timeout=60)
        case.validate_response(response, checks=CHECKS)

    try:
        ask()
    except BaseException as error:  # schemathesis raises groups of failures
        return error
    return None
