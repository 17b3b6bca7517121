"""The record in bulk, so that a mirror can follow."""

from typing import Literal

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Field, Query, Router, Schema

from broadsheet.api.errors import ApiError
from broadsheet.api.v1 import schemas
from broadsheet.api.v1.answers import READ
from broadsheet.export import dump
from broadsheet.papers import copying

router = Router(tags=["export"])


class Asked(Schema):
    """From where on, and in which form."""

    since: int = Field(0, ge=0, le=schemas.LARGEST_NUMBER, description="Only papers that changed after this number.")
    limit: int | None = Field(None, ge=1, le=1_000_000, description="How many papers at most; without it all of them.")
    format: Literal["jsonl", "parquet"] = "jsonl"


@router.get(
    "export",
    response={200: str, **READ, 501: schemas.Error},
    summary="Every paper that changed after a number",
    description="One line per paper, in the order of its newest change, as the paper is now; the last line is "
    '{"head": n}, from which to go on with since=n. The header X-Broadsheet-Seq names the newest change there is.',
)
def changes(request: HttpRequest, asked: Query[Asked]) -> HttpResponseBase:
    """Stream the papers that changed after a number, as another Broadsheet imports them."""
    upto = copying.head()
    write = dump.jsonl if asked.format == "jsonl" else dump.parquet
    try:
        pieces = write(copying.changed(asked.since, upto), upto, asked.limit)
    except dump.NoParquet as problem:
        raise ApiError(501, str(problem)) from None
    response = StreamingHttpResponse(pieces, content_type=dump.MEDIA[asked.format])
    response["X-Broadsheet-Seq"] = str(upto)
    response["Cache-Control"] = "no-cache"
    response["Content-Disposition"] = f'attachment; filename="broadsheet-{asked.since}-{upto}.{asked.format}"'
    return response
