import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.openapi.models import OpenAPI
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from app.compose import Platform
from tests.app.http.wire import FINE, event, post, post_batch, routes_of, served

Document = dict[str, Any]


@pytest.fixture
def document(client: TestClient) -> Document:
    """What the API says about itself."""
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: Document = answer.json()
    return found


def test_it_is_openapi_3_1(document: Document, platform: Platform) -> None:
    """The document has the form of OpenAPI 3.1 and lists exactly the routes that there are."""
    assert OpenAPI.model_validate(document).openapi.startswith("3.1")
    listed = {(path, method) for path, item in document["paths"].items() for method in item}
    routes = [each for each in routes_of(served(platform)) if each.include_in_schema]
    assert listed == {(each.path, method.lower()) for each in routes for method in each.methods or ()}
    assert {"/events", "/stop/{token}", "/persons/{person}/inbox", "/triggers", "/livez"} <= set(document["paths"])
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_a_validator_of_openapi_finds_nothing(document: Document) -> None:
    """The document passes openapi-spec-validator, which also holds each default against its own schema."""
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_schema_is_json_schema_and_every_reference_leads_somewhere(document: Document) -> None:
    """All schemas are valid Draft 2020-12 (OpenAPI 3.1) and all `$ref`s name something in the document."""
    found = list(_schemas(document))
    assert found
    for schema in found:
        jsonschema_rs.meta.validate(schema)
    for reference in _references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_every_error_is_described_as_a_problem(document: Document) -> None:
    """No route describes the framework's own 422, because none ever gives it."""
    assert "HTTPValidationError" not in json.dumps(document)
    for item in document["paths"].values():
        for operation in item.values():
            assert set(operation["responses"]["default"]["content"]) == {"application/problem+json"}


@pytest.mark.parametrize("made", [event(time=None), event(data=FINE | {"amount": "x"})], ids=["attribute", "data"])
def test_problems_are_as_described(client: TestClient, document: Document, made: Document) -> None:
    """A refusal fits its schema."""
    assert _validator(document, "ProblemDetails").is_valid(post(client, made).json())


def test_results_are_as_described(client: TestClient, document: Document) -> None:
    """What POST /events answers to one event and to a batch fits its schemas."""
    assert _validator(document, "Stored").is_valid(post(client, event()).json())
    assert _validator(document, "BatchResult").is_valid(post_batch(client, [event(), 7]).json())


def test_the_example_is_an_event_that_is_accepted(client: TestClient, document: Document) -> None:
    """Whoever copies the example from the description gets a 202."""
    [example] = document["components"]["schemas"]["CloudEvent"]["examples"]
    assert _validator(document, "CloudEvent").is_valid(example)
    assert post(client, example).status_code == 202


def _validator(document: Document, name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


def _schemas(document: Document) -> Iterator[Document]:
    yield from document["components"]["schemas"].values()
    for item in document["paths"].values():
        for operation in item.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            yield from (media["schema"] for body in bodies for media in body.get("content", {}).values() if media)
            yield from (parameter["schema"] for parameter in operation.get("parameters", []))


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
