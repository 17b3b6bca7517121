"""When do two records without a common identifier tell of one paper? Pure functions of their texts."""

from functools import lru_cache
from hashlib import sha256
from typing import Final

from broadsheet.lib.text import fold, title_key
from broadsheet.record.paper import PaperData

# Apart from a paper and its journal version (.11), no two different papers of the 457 on five saved pages share more
# than .03 of their runs of three words; one paper told by two sources shares most of them. Equal titles are asked for
# besides, so the line can lie low.
SAME_TEXT: Final = 0.3
SAME_YEARS: Final = 2


# A paper's key is asked for when it is looked up, decided on and written, one after the other.
@lru_cache(maxsize=8192)
def short_title_key(title: str) -> str:
    """Give a title's key in 32 hexadecimal digits; like titles have equal keys."""
    return sha256(title_key(title).encode()).hexdigest()[:32]


def text_hash(title: str, abstract: str) -> str:
    """Give the hash, in 32 hexadecimal digits, of the text that an encoder sees."""
    return sha256(f"{title}\0{abstract}".encode()).hexdigest()[:32]


def shared_runs(one: str, other: str) -> float:
    """Give the share (Jaccard, 0 to 1) of runs of three words that two texts have in common."""
    ours, theirs = _runs(one), _runs(other)
    union = len(ours | theirs)
    return len(ours & theirs) / union if union else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    words = "".join(char if char.isalnum() else " " for char in fold(text)).split()
    return set(zip(words, words[1:], words[2:], strict=False))


def family_name(name: str) -> str:
    """Give the folded family name of "Forename Family" or "Family, Forename"."""
    family = name.split(",")[0] if "," in name else name.split()[-1] if name.split() else ""
    return title_key(family)


def same_paper(known: PaperData, incoming: PaperData) -> bool:
    """Tell whether two records with equal title keys are of one paper.

    With authors and dates on both sides: the first author's family name within two years. Otherwise the texts decide.
    """
    if have_two_arxiv_ids(known, incoming):
        return False
    if known.authors and incoming.authors and known.submitted and incoming.submitted:
        if family_name(known.authors[0].name) != family_name(incoming.authors[0].name):
            return False
        return abs((known.submitted - incoming.submitted).days) <= SAME_YEARS * 366
    if not known.abstract or not incoming.abstract:
        return _first_author(known) == _first_author(incoming) != ""
    return known.abstract == incoming.abstract or shared_runs(known.abstract, incoming.abstract) >= SAME_TEXT


def have_two_arxiv_ids(known: PaperData, incoming: PaperData) -> bool:
    """Tell whether arXiv knows them by different ids: then they are two papers, whatever else they share."""
    ours = {identifier.value for identifier in known.identifiers if identifier.scheme == "arxiv"}
    theirs = {identifier.value for identifier in incoming.identifiers if identifier.scheme == "arxiv"}
    return bool(ours and theirs and not ours & theirs)


def _first_author(paper: PaperData) -> str:
    return family_name(paper.authors[0].name) if paper.authors else ""
