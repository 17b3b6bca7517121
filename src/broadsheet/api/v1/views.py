"""The document of the API for programs, and the same as a page for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from broadsheet.api.v1.document import document


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the page shows it."""

    name: str
    place: str
    form: str
    required: bool
    says: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    says: str
    tag: str
    token: bool
    parameters: list[Parameter]
    body: str
    statuses: list[tuple[str, str, str]]


def openapi(request: HttpRequest) -> HttpResponse:
    """Give the OpenAPI 3.1 document of the API."""
    response = JsonResponse(document(), json_dumps_params={"ensure_ascii": False})
    # Tools of other sites may read the document; it holds nothing of anybody.
    response["Access-Control-Allow-Origin"] = "*"
    return response


def reference(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API, with its parameters, its answers and their fields."""
    told = document()
    groups = [
        (tag, sorted(found, key=lambda one: one.path)) for tag, found in groupby(_operations(told), lambda one: one.tag)
    ]
    schemas = sorted(told["components"]["schemas"].items())
    shapes = [(name, schema.get("description", ""), _fields(schema)) for name, schema in schemas]
    return render(request, "api/reference.html", {"told": told, "groups": groups, "shapes": shapes})


def _operations(told: Mapping[str, Any]) -> Iterator[Operation]:
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            yield _operation(path, method, operation)


def _operation(path: str, method: str, told: Mapping[str, Any]) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        says=told.get("description", ""),
        tag=told["tags"][0],
        token={} not in told["security"],
        parameters=[_parameter(parameter) for parameter in told["parameters"]],
        body=_form(body) if body else "",
        statuses=[(status, one["description"], _answer(one)) for status, one in told["responses"].items()],
    )


def _parameter(told: Mapping[str, Any]) -> Parameter:
    return Parameter(
        told["name"], told["in"], _form(told["schema"]), told["required"], told["schema"].get("description", "")
    )


def _answer(told: Mapping[str, Any]) -> str:
    schema = told.get("content", {}).get("application/json", {}).get("schema")
    return _form(schema) if schema else ", ".join(told.get("content", {}))


def _fields(schema: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(name, _form(field), field.get("description", "")) for name, field in schema.get("properties", {}).items()]


def _form(schema: Mapping[str, Any]) -> str:
    """Say in a few words which values a schema allows."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_form(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"“{value}”" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_form(schema.get('items', {}))}"
    form = str(schema.get("format") or schema.get("type", "any"))
    least, most = schema.get("minimum"), schema.get("maximum")
    span = f" {least} to {most}" if least is not None and most is not None and most < 10**9 else ""
    default = schema.get("default")
    return form + span + (f", default {default}" if default not in (None, "", []) else "")
