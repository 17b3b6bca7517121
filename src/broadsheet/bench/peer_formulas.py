"""The orders of four public sites as they stand in their open code, to compare with ours.

Only the formulas: what those sites do beside them (invitations, limits, bans, unpublished vote filters) is not here.
Ages are hours, logarithms are to base 10 and higher is hotter, throughout.
"""

import math


def hacker_news(score: float, age: float, comments: int = 0, sock_votes: float = 0, *, url: bool = True) -> float:
    """Rank a story by the released news.arc, for stories that are not of its lightweight kinds.

    score: with the submitter's own vote. sock_votes: votes that the site chose to ignore.
    """
    base = score - sock_votes - 1
    weighed = math.pow(base, 0.8) if base > 0 else base
    factor = _controversy(score - sock_votes, comments) if url else 0.4
    return weighed / math.pow(age + 2, 1.8) * factor


def _controversy(score: float, comments: int) -> float:
    return min(1.0, (score / comments) ** 2) if comments > 20 else 1.0


def reddit(ups: int, downs: int, posted: float) -> float:
    """Rank a post by Reddit's open-source "hot". posted: seconds since 1970."""
    score = ups - downs
    sign = (score > 0) - (score < 0)
    return round(sign * math.log10(max(abs(score), 1)) + (posted - 1134028003) / 45000, 7)


def lobsters(score: int, comment_scores: list[int], posted: float, base: float = 0.0) -> float:
    """Rank a story by Lobsters' hotness, its sign turned so that higher is hotter.

    comment_scores: of comments by others than the submitter. base: what tags and authorship add.
    """
    points = 0.0 if base < 0 else 0.5 * sum(one + 1 for one in comment_scores)
    points = min(score, points)
    sign = (score > 0) - (score < 0)
    return round(sign * math.log10(max(abs(score + 1) + points, 1)) + base + posted / 79200, 7)


def lemmy(score: int, age: float) -> float:
    """Rank a post by Lemmy's hot rank; 0 for the future and after a week."""
    return math.log10(max(2, score + 2)) / math.pow(age + 2, 1.8) if 0 < age < 168 else 0.0
