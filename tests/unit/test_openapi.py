"""The OpenAPI document describes the API as it is."""

import json
import re
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from taskrealtime.api import documents
from taskrealtime.engine.wire import errors
from tests.support.world import World
from tests.unit.test_api_access import RULES
from tests.unit.test_api_tasks import changes

pytestmark = pytest.mark.one_installation

ERROR_STATUSES = {str(error.status) for error in errors.all_errors()}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Valid, and made without a single warning."""
    documents.openapi.cache_clear()
    GENERATOR_STATS.reset()
    found = json.loads(json.dumps(documents.openapi()))
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    validate_schema(found)
    return cast("dict[str, Any]", found)


def read(text: str | bytes) -> dict[str, Any]:
    """A YAML document, by the reader that is written in C: the other takes seconds."""
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def as_path(address: str) -> str:
    return "/api/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address)


def test_every_endpoint_is_described(document: dict[str, Any]) -> None:
    expected = {(method, as_path(address)) for method, address in RULES if address not in {"schema/", "asyncapi/"}}
    assert set(operations(document)) == expected


def test_every_operation_says_how_one_signs_in_and_what_may_go_wrong(document: dict[str, Any]) -> None:
    for (method, path), operation in operations(document).items():
        assert operation["description"], path
        assert "401" in operation["responses"], path
        if not path.endswith(("token/", "refresh/")):
            assert operation["security"], path
            assert "429" in operation["responses"], path
        if "{" in path:
            assert "404" in operation["responses"], path
        if "requestBody" in operation or method == "DELETE":
            assert "400" in operation["responses"], path
        for status, response in operation["responses"].items():
            if status in ERROR_STATUSES:
                assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorData"}
                assert response["description"].startswith("`"), path
    assert set(document["components"]["securitySchemes"]) == {"bearer", "browserSession"}


@pytest.mark.django_db
def test_every_change_is_described_with_its_key_and_its_status(document: dict[str, Any]) -> None:
    world = World()
    described = operations(document)
    by_path = {world.path(address): as_path(address) for _, address in RULES}
    newcomer = world.path("projects/<id:project_id>/members/") + f"{world.people['outsider'].pk}/"
    by_path[newcomer] = "/api/projects/{project_id}/members/{user_id}/"
    for method, path, _, status in changes(world):
        operation = described[method, by_path[path]]
        assert str(status) in operation["responses"]
        assert "409" in operation["responses"]
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]


@pytest.mark.django_db
def test_answers_are_as_described(document: dict[str, Any]) -> None:
    world = World()
    described = operations(document)
    # Handing over comes last: after it the project is no longer the asker's.
    for (method, address), rule in sorted(RULES.items(), key=lambda item: "hand-over" in item[0][1]):
        operation = described.get((method, as_path(address)))
        if operation is None or address.endswith(("board/", "events/", "notifications/")) or method == "DELETE":
            continue
        answer = world.api("owner")(method, world.path(address), rule.body(world) if rule.body else None)
        response = operation["responses"][str(answer.status_code)]
        if "content" in response:
            schema = response["content"]["application/json"]["schema"] | {"components": document["components"]}
            jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)


def test_it_is_public_as_yaml_and_json(client: Client, document: dict[str, Any]) -> None:
    for query, accept, kind in [
        ("", "*/*", "yaml"),
        ("?format=json", "*/*", "json"),
        ("?format=yaml", "*/*", "yaml"),
        ("", "application/json", "json"),
    ]:
        answer = client.get(f"/api/schema/{query}", headers={"Accept": accept})
        assert answer.status_code == 200
        found = answer.json() if kind == "json" else read(answer.content)
        assert found["openapi"].startswith("3.1")
        # The one that was found valid.
        assert found["paths"] == document["paths"], (query, accept)
