"""What the record holds, as plain values that two records can be compared by."""

from collections.abc import Sequence
from typing import Any, Final

from broadsheet.papers.models import Authorship, Identifier, Paper, Sighting, Signal, Tag, Version

# Numbers of rows and moments of this site's own clock differ from one site to the other; what readers gave here is
# not the record's.
OWN: Final = frozenset(
    {"id", "first_seen", "seen", "observed", "votes", "votes_here", "comments", "comments_here", "vote_weight",
     "commenters", "placed", "hidden"}
)  # fmt: skip
TABLES: Final = (Paper, Identifier, Version, Authorship, Tag, Sighting, Signal)


def record() -> dict[str, Sequence[Any]]:
    """Give every row of every table of the record, with papers by their keys."""
    keys = dict(Paper.objects.values_list("id", "key"))
    found: dict[str, Sequence[Any]] = {}
    for model in TABLES:
        columns = [field.name for field in model._meta.fields if field.name not in OWN]
        rows = [_row(row, keys) for row in model.objects.values(*columns)]
        found[model.__name__] = sorted(rows, key=repr)
    return found


def _row(row: dict[str, Any], keys: dict[int, str]) -> dict[str, Any]:
    return {name: keys[value] if name == "paper" else value for name, value in sorted(row.items())}
