"""Which encoder of a home answers, and which others are being brought in beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from broadsheet.lib.files import lock, write_whole

FIRST: Final = "minilm-int8"
# What the setting says where the choice below counts; a name there counts more.
AUTO: Final = "auto"
CHOICE_FILE: Final = "choice.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """in_use: the name of the encoder that answers. coming: the others that papers are to be encoded by meanwhile."""

    in_use: str = FIRST
    coming: tuple[str, ...] = ()

    @classmethod
    def read(cls, home: Path) -> "Choice":
        """Read it; where nothing was chosen, or that cannot be read, the first encoder answers."""
        try:
            said = json.loads((home / "encoders" / CHOICE_FILE).read_bytes())
            return cls(str(said["in_use"]), tuple(str(name) for name in said["coming"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, home: Path) -> None:
        """Write it: at any moment the old choice or the new one is there."""
        write_whole(home / "encoders" / CHOICE_FILE, json.dumps(asdict(self)).encode())

    def with_coming(self, name: str) -> "Choice":
        """Let papers be encoded by one more encoder."""
        return replace(self, coming=(*(other for other in self.coming if other != name), name))

    def without(self, name: str) -> "Choice":
        """Let papers no longer be encoded by an encoder that is not in use."""
        return replace(self, coming=tuple(other for other in self.coming if other != name))


@contextmanager
def choosing(home: Path) -> Iterator[Choice]:
    """Hold the choice still while the block changes it; gives the present one."""
    with lock(home / "encoders" / ".choice.lock"):
        yield Choice.read(home)


def name_in_use(home: Path, wanted: str = AUTO) -> str:
    """Give the name of the encoder that answers; `wanted` is what the setting says."""
    return Choice.read(home).in_use if wanted == AUTO else wanted


def shard_place(home: Path, name: str) -> Path:
    """Give the directory of the shard that holds the vectors of the encoder of this name.

    Each encoder has a shard of its own, so that the old one answers until the new one is whole, and again at once when
    it is gone back to. The first encoder's is the one that is there without any.
    """
    return home / ("shard" if name in (FIRST, "none") else f"shard-{name}")
