"""What every operation may answer beside what it is for."""

from typing import Any, Final

from broadsheet.api.v1.schemas import Error

_ANY: Final[dict[int, Any]] = {400: Error, 422: Error, 429: Error, 500: Error}
# What is read may be unchanged since the caller had it (If-None-Match).
READ: Final[dict[int, Any]] = {**_ANY, 304: None, 404: Error}
OWN: Final[dict[int, Any]] = {**READ, 401: Error, 403: Error}
ACT: Final[dict[int, Any]] = {**_ANY, 401: Error, 403: Error, 404: Error, 409: Error}
