"""The OpenAPI document: what the operations say of themselves, and what is true of all of them."""

from copy import deepcopy
from functools import lru_cache
from typing import Any, Final

from broadsheet.api.v1.site import api

BASE: Final = "api/v1/"
ERROR: Final = {"schema": {"$ref": "#/components/schemas/Error"}}
RATE: Final = {
    "RateLimit": {
        "description": 'What is left of this window: "api";r=499;t=300, where t is in seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The window: "fixed window";"api";q=500;w=300.',
        "schema": {"type": "string"},
    },
}
RETRY: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
NEXT: Final = {"Link": {"description": 'The next page, with rel="next".', "schema": {"type": "string"}}}
SEQ: Final = {"X-Broadsheet-Seq": {"description": "The newest change there is.", "schema": {"type": "integer"}}}
MEANINGS: Final = {
    "304": "Unchanged since the caller had it.",
    "400": "The request could not be read.",
    "401": "A token is missing, unknown or expired.",
    "403": "The token may not do that.",
    "404": "There is no such thing here.",
    "405": "That method is not for this address; Allow names those that are.",
    "409": "The rules of the site do not allow it now; the sentence says why.",
    "422": "A parameter or a field is not as it should be; the sentence says which.",
    "429": "Too many requests; Retry-After says how long to wait.",
    "500": "A mistake of the site; it was noted.",
    "501": "This site cannot write that form.",
}
TOKEN: Final = {"token": {"type": "http", "scheme": "bearer", "description": "A token made under /me/tokens."}}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Give the document as plain JSON values; it is the same for everybody."""
    told: dict[str, Any] = deepcopy(dict(api.get_openapi_schema(path_prefix=BASE)))
    told["servers"] = [{"url": "/"}]
    told["components"]["securitySchemes"] = TOKEN
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            operations[method] = _completed(path, method, deepcopy(operation))
    return told


def _completed(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    own = "/me" in path
    # An empty entry means that it also goes without a token.
    operation["security"] = [{"token": []}] if own else [{}, {"token": []}]
    operation["responses"]["405"] = {"description": "", "content": {"application/json": ERROR}}
    operation["responses"] = {str(status): told for status, told in sorted_by_status(operation["responses"])}
    for status, told in operation["responses"].items():
        told["description"] = MEANINGS.get(status, "Done." if method != "get" else "Here it is.")
        told["headers"] = {**RATE, **_headers(path, status, operation)}
    if path.endswith("/export"):
        text = {"schema": {"type": "string"}}
        operation["responses"]["200"]["content"] = {"application/jsonl": text, "application/vnd.apache.parquet": text}
    return operation


def sorted_by_status(responses: dict[Any, Any]) -> list[tuple[str, Any]]:
    """Give the responses in the order of their statuses, each status as text."""
    return sorted((str(status), told) for status, told in responses.items())


def _headers(path: str, status: str, operation: dict[str, Any]) -> dict[str, Any]:
    if status == "429":
        return RETRY
    if status != "200":
        return {}
    pages = any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ()))
    return {**(NEXT if pages else {}), **(SEQ if path.endswith("/export") else {})}
