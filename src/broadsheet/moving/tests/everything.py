"""A row in every table of the record, made from what its columns are, so that no table of tomorrow is forgotten."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db.models import Field, Model
from django.db.models.fields.related import ForeignKey

from broadsheet.moving.tables import KINDS, LEFT_OUT

MOMENT: Final = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
NESTED: Final = {"ünder": [None, True, 1.5, 10**20, {"z": "\N{MUSICAL SYMBOL G CLEF}", "a": ""}], "a": 0.1}
Row = tuple[Any, ...]


_MADE: Final[dict[str, Callable[[int], object]]] = {
    "integer": lambda number: 1000 + number,
    "float": lambda number: number + 0.1,
    "bool": lambda number: bool(number % 2),
    "moment": lambda number: MOMENT + timedelta(days=number, microseconds=number),
    "day": lambda number: date(2026, 1, 1) + timedelta(days=number),
    "json": lambda number: {**NESTED, "number": number},
    "bytes": lambda number: bytes(range(256)) + bytes([number % 256]),
    "uuid": lambda number: uuid.UUID(int=2**100 + number),
}


def models() -> list[type[Model]]:
    """The models of all tables that a move takes along, those that are pointed at first."""
    waiting = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.db_table not in LEFT_OUT
    ]
    found: list[type[Model]] = []
    while waiting:
        ready = [model for model in waiting if not _parents(model) & set(waiting) - {model}] or waiting[:1]
        found += ready
        waiting = [model for model in waiting if model not in ready]
    return found


def _parents(model: type[Model]) -> set[Any]:
    return {field.related_model for field in model._meta.local_concrete_fields if field.remote_field}


def add(number: int) -> dict[str, Any]:
    """Add a row to every table, with values that this number makes; give the primary keys by table."""
    return {model._meta.db_table: _row(model, number).pk for model in models()}


def _row(model: type[Model], number: int) -> Model:
    values = {
        field.attname: _value(field, number)
        for field in model._meta.local_concrete_fields
        if not field.generated and "Auto" not in field.get_internal_type()
    }
    row = model(**values)
    # Not by `save`, which derives this and that.
    model._base_manager.bulk_create([row])
    return row


def _value(field: "Field[Any, Any]", number: int) -> object:
    if isinstance(field, ForeignKey):
        return _parent(field)
    if field.choices:
        return [value for value, _label in field.flatchoices][number % len(field.flatchoices)]
    made = _MADE.get(KINDS[field.get_internal_type()])
    found = made(number) if made else f"é{number} {field.column} \N{SNOWMAN}"
    return found if field.max_length is None or not isinstance(found, str) else found[: field.max_length]


def _parent(field: "ForeignKey[Any, Any]") -> object:
    """The newest row that may be pointed at; nothing where there is none and none is needed, as in a circle."""
    rows = field.related_model._base_manager.order_by("-pk")
    row = rows.first()
    return getattr(row, field.target_field.attname) if row is not None else None


def contents() -> Iterator[tuple[str, list[Row]]]:
    """What the models read from every table, as values of Python: an order of its own for each database is undone."""
    for model in models():
        columns = [field.attname for field in model._meta.local_concrete_fields]
        rows = [tuple(_plain(value) for value in row) for row in model._base_manager.values_list(*columns)]
        yield model._meta.db_table, sorted(rows, key=repr)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


__all__: Sequence[str] = ("add", "contents", "models")
