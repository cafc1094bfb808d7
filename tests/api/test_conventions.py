"""Each convention of the API, held against the whole document: a new route cannot forget one."""

import re

import jsonschema_rs
import pytest

from orderloom.api.app import ROUTES, create_app
from orderloom.api.door import Door
from orderloom.plumbing.credentials import SCOPES
from orderloom.plumbing.settings import Settings
from orderloom.terms import ID_PREFIXES
from tests.api.client import Client

# What is compared with the document needs no database.
APP = create_app(None, Settings(_env_file=None))
DOCUMENT = APP.openapi()
DOORS = [route for route in APP.routes if isinstance(route, Door)]
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
SCHEMAS = DOCUMENT["components"]["schemas"]
every_operation = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
every_schema = pytest.mark.parametrize("name", sorted(SCHEMAS))


def resolved(schema: dict) -> dict:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def properties(schema: dict):
    """Every property below a schema, with its name."""
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from properties(schema[part])
    for part in ("anyOf", "allOf", "oneOf"):
        for inner in schema.get(part, []):
            yield from properties(inner)


def inputs() -> set[str]:
    """The schemas a client may send, however deep."""
    found: set[str] = set()
    wanted = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    while wanted:
        text = str(wanted.pop())
        for name in set(re.findall(r"#/components/schemas/([\w.-]+)", text)) - found:
            found.add(name)
            wanted.append(SCHEMAS[name])
    return found


def test_served_routes_are_the_documented_routes():
    served = {(door.path, method.lower()) for door in DOORS for method in door.methods}
    documented = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    others = {route.path for route in APP.routes if not isinstance(route, Door)}
    assert served == documented
    assert others == {"/v1/openapi.json"}
    assert len(DOORS) == sum(len(group.doors) for group in ROUTES)


def test_the_document_is_openapi_31_and_names_operations_once():
    assert DOCUMENT["openapi"].startswith("3.1")
    names = [operation.values[2]["operationId"] for operation in OPERATIONS]
    assert len(names) == len(set(names))


@every_operation
def test_a_route_declares_its_scope(path, method, operation):
    if path in {"/healthz", "/readyz", "/metrics"}:
        assert operation["security"] == []
        return
    [scheme] = operation["security"]
    [scope] = scheme["api_key"]
    assert scope in SCOPES
    assert scope.endswith((":read", ":refund") if method == "get" else (":write", ":refund", ":read"))
    if scope.endswith(":read") and method != "get":
        assert "/decisions/" in path, "only a dry run of a decision may write with a scope that reads"


@every_operation
def test_a_route_has_words_and_a_place(path, method, operation):
    assert operation["summary"]
    assert operation["tags"]
    assert re.fullmatch(r"(/v1)?(/[a-z0-9_.-]+|/\{[a-z_]+\}(\.[a-z]+)?)+", path)


@every_operation
def test_refusals_are_problems(path, method, operation):
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
        elif status != "204":
            assert response["content"], f"{status} says nothing"
    wanted = {"500"} | ({"401", "403", "429", "503"} if operation["security"] else set())
    if "requestBody" in operation:
        wanted |= {"400", "413", "415", "422"}
    if "{" in path:
        wanted |= {"404", "422"}
    assert wanted <= set(operation["responses"])


@every_operation
def test_posts_and_patches_take_an_idempotency_key(path, method, operation):
    names = [p["name"] for p in operation.get("parameters", [])]
    # The rows of a stream are told apart by their natural keys.
    if (
        method in {"post", "patch"}
        and "/decisions/" not in path
        and not path.endswith(("/bulk", "/bulk-jobs"))
    ):
        assert "Idempotency-Key" in names
    costly = re.search(r"/inventory/|/refunds$|/labels|/reservations", path)
    if method == "post" and costly and "void" not in path:
        [key] = [p for p in operation["parameters"] if p["name"] == "Idempotency-Key"]
        assert key["required"]


@every_operation
def test_a_list_is_paged_by_key(path, method, operation):
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    if method != "get" or not answer:
        return
    schema = resolved(answer["schema"])
    assert schema.get("type") != "array", "a list is an object with data and after"
    names = {p["name"] for p in operation.get("parameters", [])}
    assert not names & {"offset", "page", "skip"}
    if "data" in schema.get("properties", {}):
        assert {"limit", "after"} <= names
        [limit] = [p["schema"] for p in operation["parameters"] if p["name"] == "limit"]
        assert limit["maximum"] <= 200
        assert limit["default"] == 50
        assert "after" in schema["properties"]


@every_schema
def test_names_are_lower_snake_case(name):
    for field, _ in properties(SCHEMAS[name]):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field), field


@every_schema
def test_money_is_never_a_float_or_a_text(name):
    money = re.compile(r"(^|_)(amount|price|total|subtotal|discount|tax|cost|refund|charge)s?$")
    for field, schema in properties(SCHEMAS[name]):
        if money.search(field):
            assert '"number"' not in str(schema).replace("'", '"'), field
            assert "'type': 'string'" not in str(schema), field


@every_schema
def test_ids_have_their_prefix(name):
    for field, schema in properties(SCHEMAS[name]):
        if (field == "id" or field.endswith("_id")) and field not in {"external_id", "request_id"}:
            text = str(schema)
            assert any(f"^{prefix}_" in text for prefix in ID_PREFIXES.values()) or "Opaque" in text, (
                f"{name}.{field}"
            )


@every_schema
def test_times_carry_their_zone(name):
    for field, schema in properties(SCHEMAS[name]):
        if field.endswith("_at"):
            assert "date-time" in str(schema), f"{name}.{field}"


@pytest.mark.parametrize("name", sorted(inputs()))
def test_inputs_refuse_unknown_fields(name):
    schema = SCHEMAS[name]
    if schema.get("type") == "object":
        assert schema.get("additionalProperties") is False, f"{name} takes fields it does not know"


@pytest.mark.parametrize("name", [name for name in sorted(SCHEMAS) if SCHEMAS[name].get("examples")])
def test_examples_are_valid(name):
    whole = {**SCHEMAS[name], "components": DOCUMENT["components"]}
    for example in SCHEMAS[name]["examples"]:
        jsonschema_rs.Draft202012Validator(whole).validate(example)


@every_operation
def test_what_is_sent_has_an_example(path, method, operation):
    if "requestBody" in operation:
        schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        assert schema.get("examples") or schema.get("example"), f"{operation['operationId']} shows no example"


async def test_the_document_is_served(api):
    answer = await api.get("/v1/openapi.json")
    assert answer.json()["paths"] == DOCUMENT["paths"]


async def test_nobody_comes_in_without_key_or_scope(api):
    anonymous, powerless = Client(api.app), await api.limited(scopes=[])
    for door in DOORS:
        if door.rules.scope is None:
            continue
        path, method = re.sub(r"\{[a-z_]+\}", "x", door.path), next(iter(door.methods))
        assert (await anonymous.request(method, path)).status_code == 401, path
        refused = await powerless.request(method, path)
        assert (refused.status_code, refused.json()["scope"]) == (403, door.rules.scope), path
