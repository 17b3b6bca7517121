"""The record in bulk, so that a mirror can follow."""

import threading
from collections.abc import Iterator
from typing import Final, Literal
from weakref import WeakSet

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import schemas
from broadsheet.api.v1.answers import READ
from broadsheet.export import dump
from broadsheet.papers import copying

router = Router(tags=["export"])
# As many papers are made at once and handed over whole; whoever reads them slowly keeps nobody else from more.
AT_ONCE: Final = 1000
AT_A_TIME: Final = 2
AGAIN: Final = 60


class Asked(Schema):
    """From where on, and in which form."""

    since: int = Field(0, ge=0, le=schemas.LARGEST_NUMBER, description="Only papers that changed after this number.")
    limit: int | None = Field(None, ge=1, le=1_000_000, description="How many papers at most; without it all of them.")
    format: Literal["jsonl", "parquet"] = "jsonl"


@router.get(
    "export",
    response={200: str, **READ, 501: schemas.Error, 503: schemas.Error},
    summary="Every paper that changed after a number",
    description="One line per paper, in the order of its newest change, as the paper is now; the last line is "
    '{"head": n}, from which to go on with since=n. The header X-Broadsheet-Seq names the newest change there is. '
    "Few may fetch more than a thousand papers in one piece at a time; others are told 503 and when to come again.",
)
def changes(request: HttpRequest, asked: Query[Asked]) -> HttpResponseBase:
    """Stream the papers that changed after a number, as another Broadsheet imports them."""
    upto = copying.head()
    write = dump.jsonl if asked.format == "jsonl" else dump.parquet
    try:
        pieces = write(copying.changed(asked.since, upto), upto, asked.limit)
    except dump.NoParquet as problem:
        raise ApiError(501, str(problem)) from None
    response = _response(pieces, asked)
    response["X-Broadsheet-Seq"] = str(upto)
    response["Cache-Control"] = "no-cache"
    response["Content-Disposition"] = f'attachment; filename="broadsheet-{asked.since}-{upto}.{asked.format}"'
    return response


class Streamed:
    """Pieces of an answer that are made as they are read. It is under way until it ends, or nobody wants more of it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others begin."""
        with _turn:
            _under_way.discard(self)


_turn: Final = threading.Lock()
_under_way: Final[WeakSet[Streamed]] = WeakSet()


def _response(pieces: Iterator[bytes], asked: Asked) -> HttpResponse | StreamingHttpResponse:
    kind = dump.MEDIA[asked.format]
    if asked.limit is not None and asked.limit <= AT_ONCE:
        return HttpResponse(b"".join(pieces), content_type=kind)
    return StreamingHttpResponse(_begun(pieces), content_type=kind)


def _begun(pieces: Iterator[bytes]) -> Streamed:
    """Begin a stream. Raises ApiError 503 where too many are under way: each takes its part of a core from pages."""
    streamed = Streamed(pieces)
    with _turn:
        if len(_under_way) >= AT_A_TIME:
            says = _("Others fetch the record at the moment. Ask for parts, with limit=1000 and since, or come again.")
            raise ApiError(503, says, {"Retry-After": str(AGAIN)})
        _under_way.add(streamed)
    return streamed
