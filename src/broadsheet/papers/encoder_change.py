"""Changing the encoder while the site answers: bring another in, let it encode, switch to it, go back, forget it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from django.conf import settings

from broadsheet.lib.files import lock
from broadsheet.lib.progress import Progress, silent
from broadsheet.papers import encoder_setup, finding, vectors
from broadsheet.search import bring
from broadsheet.search import encoder as encoders
from broadsheet.search.choice import AUTO, Choice, choosing, shard_place
from broadsheet.search.encoder import Card
from broadsheet.search.weights import EncoderError

# So many of the papers must have a vector before an encoder may answer: the newest are encoded first, and what came
# since it was in use last must not keep anybody from going back to it.
ENOUGH: Final = 0.98
AS_ITS_FILES_SAY: Final = bring.Wanted()
State = Literal["in use", "coming", "kept"]


@dataclass(frozen=True, slots=True)
class Standing:
    """An encoder of this home: what it is, whether it answers, and how many of the papers it has encoded.

    state: `coming` while the worker encodes papers by it, `kept` where it does not. damaged: its files are not right.
    """

    name: str
    id: str
    dim: int
    max_length: int
    precision: str
    state: State
    encoded: int
    papers: int
    damaged: bool = False

    @property
    def share(self) -> float:
        """Which part of the papers is encoded, 0 to 1; 1 where there are none."""
        return self.encoded / self.papers if self.papers else 1.0


def standing(check: bool = False) -> list[Standing]:
    """Tell of every encoder of this home, the one in use first; with `check` also whether the files are right."""
    home, choice = settings.CONFIG.home, Choice.read(settings.CONFIG.home)
    found = [_standing(home, name, choice, check) for name in bring.names(home)]
    return sorted(found, key=lambda one: (("in use", "coming", "kept").index(one.state), one.name))


def coming() -> list[Standing]:
    """Tell of the encoders that are being brought in."""
    home, choice = settings.CONFIG.home, Choice.read(settings.CONFIG.home)
    return [_standing(home, name, choice, check=False) for name in bring.names(home) if name in choice.coming]


def _standing(home: Path, name: str, choice: Choice, check: bool) -> Standing:
    card = Card.read(encoders.place(home, name))
    encoded, papers = vectors.encoded_share(card.id)
    state: State = "in use" if name == finding.encoder_name() else "coming" if name in choice.coming else "kept"
    damaged = check and not encoders.is_built(home, name)
    return Standing(name, card.id, card.dim, card.max_length, card.precision, state, encoded, papers, damaged)


def add(what: str, name: str = "", wanted: bring.Wanted = AS_ITS_FILES_SAY, progress: Progress = silent) -> Standing:
    """Bring an encoder in beside the present one; from now on the worker encodes papers by it too.

    what: a directory with weights or a ready encoder, or the name of one that is published or here already. name: what
    to call it here; empty for the name of the directory. Raises EncoderError.
    """
    home = settings.CONFIG.home
    if what in bring.PUBLISHED and not name:
        name = encoder_setup.build_encoder(progress=progress, name=what).name
    elif what in bring.names(home) and not name:
        name = what
    else:
        directory = Path(what).expanduser()
        if not directory.is_dir():
            known = ", ".join(sorted({*bring.PUBLISHED, *bring.names(home)}))
            raise EncoderError(f"{what} is no directory and no encoder that is known here ({known})")
        name = bring.bring(home, directory, name or directory.resolve().name.lower(), wanted, progress).name
    with choosing(home) as choice:
        if name != choice.in_use:
            choice.with_coming(name).write(home)
    return _named(name)


def use(name: str, anyway: bool = False, progress: Progress = silent) -> Standing:
    """Let an encoder answer: build its shard beside the present one, then switch to both in one step.

    Until the switch the old one answers, and killed anywhere before it nothing has changed. anyway: also while many
    papers have no vector by it. Raises EncoderError.
    """
    home = settings.CONFIG.home
    _refuse_pinned()
    with _changing(home):
        here = _named(name)
        encoders.checked(encoders.place(home, name))
        if here.share < ENOUGH and not anyway:
            raise EncoderError(
                f"{name} has encoded {here.encoded:,} of {here.papers:,} papers, and {ENOUGH:.0%} are enough; "
                f"`broadsheet encoder add {name}` lets the worker go on with it, --anyway does not wait"
            )
        _build_shard(shard_place(home, name), here.id, progress)
        with choosing(home) as choice:
            Choice(name, choice.without(name).coming).write(home)
    finding.forget()
    return _named(name)


def _build_shard(place: Path, id: str, progress: Progress) -> None:
    # What came while it was built is small; what comes after that, the worker adds.
    for _round in range(3):
        done = finding.index_at(place, id, progress=progress)
        if done.busy:
            raise EncoderError("another process is at work on that encoder's shard: try again when it is done")
        if not done.changes:
            return


def forget(name: str, progress: Progress = silent) -> int:
    """Delete an encoder that is not in use: its vectors, its shard and its files; give how many vectors.

    Killed anywhere, forgetting it again goes on. Raises EncoderError.
    """
    home = settings.CONFIG.home
    with _changing(home):
        here = _named(name)
        with choosing(home) as choice:
            if name in (choice.in_use, finding.encoder_name()):
                raise EncoderError(f"{name} is in use: `broadsheet encoder use` another one first")
            choice.without(name).write(home)
        done = vectors.forget(here.id, progress)
        shutil.rmtree(shard_place(home, name), ignore_errors=True)
        # Last: as long as its card is there, it can be forgotten by its name.
        _remove(encoders.place(home, name))
    return done


def _remove(directory: Path) -> None:
    # Renamed first, so that a kill leaves no half of an encoder under its name.
    gone = directory.with_name(f".{directory.name}.old")
    shutil.rmtree(gone, ignore_errors=True)
    directory.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _named(name: str) -> Standing:
    home = settings.CONFIG.home
    if name not in bring.names(home):
        raise EncoderError(f"no encoder here is called {name} ({', '.join(bring.names(home)) or 'there is none'})")
    return _standing(home, name, Choice.read(home), check=False)


def _refuse_pinned() -> None:
    wanted = settings.CONFIG.encoder
    if wanted != AUTO:
        raise EncoderError(f"the setting `encoder` says {wanted}, which counts more: take it out or set it to auto")


@contextmanager
def _changing(home: Path) -> Iterator[None]:
    """See that one process changes encoders at a time. Raises EncoderError where another one does."""
    with lock(home / "encoders" / ".change.lock", wait=False) as mine:
        if not mine:
            raise EncoderError("another process is changing the encoder: wait until it is done")
        yield
