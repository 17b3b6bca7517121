"""Lists by meaning: papers near to some words, and papers like one paper, above a similarity that was measured.

A list gives what is above the line and nothing else, so that a quiet week is a short list. The lines were drawn with
the encoder `minilm-int8`; cosines of another lie elsewhere and need measuring anew.

NEAR_WORDS, over 30 interests in words of a research field and 30,000 arXiv papers of all fields: at .50 half of the
interests get less than 0.6 papers in 1,000 new ones, one in ten more than 5.7; at .45 it is 1.4 and 10.6, and papers
that share but one word of the interest come in; at .40 it is 3.1 and 15.7. With the judged questions of Cranfield
(1,400 papers of one field, the hardest case) .50 finds 58 % of what answers them, and 29 % of what it finds does; at
.45 it is 68 % and 19 %.
NEAR_PAPER, over 600 of those papers: at .55 half of them get less than 1.1 papers in 1,000 new ones, one in ten more
than 5.2, and 35 % of what the same people wrote in the same category is above it; at .50 it is 2.8, 12.2 and 43 %.
"""

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from broadsheet.papers import finding
from broadsheet.search import encoder as encoders
from broadsheet.search.types import Filter, Results
from broadsheet.search.weights import EncoderError

NEAR_WORDS: Final = 0.50
NEAR_PAPER: Final = 0.55


def is_on() -> bool:
    """Whether papers can be compared by meaning here: an encoder is there. One short look at the disk."""
    config = settings.CONFIG
    if config.encoder == "none":
        return False
    try:
        encoders.Card.read(encoders.place(config.home, config.encoder))
    except EncoderError:
        return False
    return True


def missing() -> str:
    """Say why lists by meaning are empty here; "" where they are not."""
    return "" if is_on() else _("This list needs the encoder, which is not installed here, so it stays empty.")


def to_words(query: str, wanted: Filter, most: int) -> list[int]:
    """Give the papers near in meaning to a query, the nearest first; its fields (cat:, author:) narrow them down."""
    return _above(finding.reader().search(query, mode="semantic", limit=most, filter=wanted), NEAR_WORDS)


def to_paper(number: int, wanted: Filter, most: int) -> list[int]:
    """Give the papers near in meaning to one, itself left out, the nearest first."""
    return _above(finding.reader().similar(number, limit=most, filter=wanted), NEAR_PAPER)


def _above(results: Results, least: float) -> list[int]:
    # Without vectors a paper's like are found by its rarest words, whose scores are no similarity.
    return [hit.paper for hit in results.hits if "similarity" in hit.why and hit.score >= least]
