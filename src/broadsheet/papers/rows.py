"""Many rows at once, past the model instances: what makes an import five times as fast as saving one by one."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import DateField, DateTimeField, Model

Convert = Callable[[Any], Any]


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], replace: str = "") -> None:
    """Insert rows, each a sequence of values in the order of `columns` (names of the model's fields).

    replace: comma-separated unique columns; where a row with the same values stands, its other columns are replaced.
    JSON values must be given as text already.
    """
    rows = list(rows)
    if not rows:
        return
    opts = model._meta
    found = [opts.get_field(name) for name in columns]
    names = [connection.ops.quote_name(str(field.column)) for field in found]  # type: ignore[union-attr]
    marks = ", ".join(["%s"] * len(names))
    sql = f"INSERT INTO {connection.ops.quote_name(opts.db_table)} ({', '.join(names)}) VALUES ({marks})"
    if replace:
        others = ", ".join(f"{name} = excluded.{name}" for name in names if name.strip('"') not in replace.split(","))
        sql += f" ON CONFLICT ({replace}) DO UPDATE SET {others}"
    converts = [(place, convert) for place, field in enumerate(found) if (convert := _converter(field))]
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_converted(row, converts) for row in rows] if converts else rows)


def _converted(row: Sequence[Any], converts: list[tuple[int, Convert]]) -> list[Any]:
    values = list(row)
    for place, convert in converts:
        values[place] = convert(values[place])
    return values


def _converter(field: object) -> Convert | None:
    # The moment of harvest stands in every row of a batch, and papers that come together are of the same days.
    if isinstance(field, DateTimeField):
        return lru_cache(maxsize=64)(connection.ops.adapt_datetimefield_value)
    if isinstance(field, DateField):
        return lru_cache(maxsize=64)(connection.ops.adapt_datefield_value)
    return None
