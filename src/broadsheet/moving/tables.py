"""What the record consists of: its tables at a state of the migrations, their columns, and who points at whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, Model

from broadsheet.moving.refused import Refused

Migration = tuple[str, str]
# Who is signed in where, counts of rates and wrong passwords of the last minutes: nothing that outlives a move.
LEFT_OUT: Final = frozenset(
    {
        "axes_accessattempt", "axes_accessattemptexpiration", "axes_accessfailurelog", "axes_accesslog", "cache",
        "django_session", "usersessions_usersession",
    }
)  # fmt: skip
KINDS: Final = {
    "AutoField": "integer",
    "BigAutoField": "integer",
    "SmallAutoField": "integer",
    "IntegerField": "integer",
    "BigIntegerField": "integer",
    "SmallIntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveBigIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "FloatField": "float",
    "CharField": "text",
    "SlugField": "text",
    "TextField": "text",
    "BooleanField": "bool",
    "DateTimeField": "moment",
    "DateField": "day",
    "JSONField": "json",
    "BinaryField": "bytes",
    "UUIDField": "uuid",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what it holds: one of integer, float, text, bool, moment, day, json, bytes and uuid."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the record, without the columns that the database derives.

    parents: tables that its rows point at, itself among them where it is its own. counted: the column that the
    database numbers, "" without.
    """

    name: str
    columns: tuple[Column, ...]
    parents: frozenset[str]
    counted: str

    @property
    def shape(self) -> list[list[str]]:
        """The columns as a backup's manifest tells them."""
        return [[column.name, column.kind] for column in self.columns]


def applied(connection: BaseDatabaseWrapper) -> list[Migration]:
    """Give the migrations that a database has seen and this version knows, sorted."""
    executor = MigrationExecutor(connection)
    return sorted(set(MigrationRecorder(connection).applied_migrations()) & set(executor.loader.graph.nodes))


def unknown(connection: BaseDatabaseWrapper, migrations: Iterable[Migration]) -> list[Migration]:
    """Name the migrations that this version does not know: whoever wrote them was newer."""
    return sorted(set(migrations) - set(MigrationExecutor(connection).loader.graph.nodes))


def migrate_to(connection: BaseDatabaseWrapper, migrations: Sequence[Migration]) -> None:
    """Bring an empty database to a state of the migrations; its tables stay without rows, but for the migrations'."""
    executor = MigrationExecutor(connection)
    executor.recorder.ensure_schema()
    tops = _tops(executor, migrations)
    executor.migrate(tops, executor.migration_plan(tops))


def _tops(executor: MigrationExecutor, migrations: Iterable[Migration]) -> list[Migration]:
    wanted = set(migrations)
    graph = executor.loader.graph
    return sorted(
        one
        for one in wanted
        if not any(child[0] == one[0] and child in wanted for child in graph.node_map[one].children)
    )


def of_state(connection: BaseDatabaseWrapper, migrations: Sequence[Migration]) -> tuple[Table, ...]:
    """Give the tables at a state of the migrations, those that are pointed at before those that point."""
    executor = MigrationExecutor(connection)
    apps = executor.loader.project_state(_tops(executor, migrations)).apps
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return _sorted([_table(model) for model in models if model._meta.db_table not in LEFT_OUT])


def _table(model: type[Model]) -> Table:
    fields = [field for field in model._meta.local_concrete_fields if not field.generated]
    parents = {field.related_model._meta.db_table for field in fields if field.related_model is not None}
    numbered = [str(field.column) for field in fields if "Auto" in field.get_internal_type()]
    columns = tuple(Column(str(field.column), _kind(field)) for field in fields)
    return Table(model._meta.db_table, columns, frozenset(parents), numbered[0] if numbered else "")


def _kind(field: "Field[Any, Any]") -> str:
    while field.remote_field:
        field = field.target_field  # type: ignore[attr-defined]
    kind = KINDS.get(field.get_internal_type())
    if kind is None:
        raise Refused(f"no way is known to keep {field.model._meta.db_table}.{field.column}")
    return kind


def _sorted(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Parents first, as far as nobody points in a circle; the rest by name."""
    waiting = {table.name: table for table in sorted(tables, key=lambda table: table.name)}
    found: list[Table] = []
    while waiting:
        ready = [table for table in waiting.values() if not (table.parents - {table.name}) & waiting.keys()]
        for table in ready or [next(iter(waiting.values()))]:
            found.append(waiting.pop(table.name))
    return tuple(found)


def by_name(tables: Iterable[Table]) -> Mapping[str, Table]:
    """Give the tables by their names."""
    return {table.name: table for table in tables}
