"""The desk's queue of submissions."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from broadsheet.community import submissions
from broadsheet.community.models import Submission
from broadsheet.lib.clock import now
from broadsheet.markup import maths
from broadsheet.papers import schedule
from broadsheet.readers.models import Reader
from broadsheet.web.acting import only
from broadsheet.web.limits import limited
from broadsheet.web.views.desk import chosen, day_of, decided, page, reason_of, unclear
from broadsheet.web.views.submit import submission_of

AUTHORS = 8
ABSTRACT = 2000


@limited("decide")
@only("curator")
def show(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Show the submissions that wait; accept one for a day, or decline it with a reason."""

    def again(says: str) -> HttpResponseBase:
        waiting = [_told(one) for one in submissions.waiting()]
        which, today = chosen(request, "submission"), schedule.current_day(now())
        return page(request, reader, "submissions", says, waiting=waiting, which=which, today=today)

    return decided(request, lambda: _decide(request, reader), again)


def _told(submission: Submission) -> dict[str, object]:
    """Give a submission with what it was read as, as far as it tells."""
    known = submission.data if isinstance(submission.data, dict) else {}
    names = [str(author.get("name", "")) for author in known.get("authors") or [] if isinstance(author, dict)]
    return {
        "submission": submission,
        # The key of a title says nothing to a person.
        "name": "" if submission.name.startswith("title:") else submission.name,
        "title": maths.render(submission.title),
        "abstract": maths.render(str(known.get("abstract") or "")[:ABSTRACT]),
        "authors": names[:AUTHORS],
        "more": max(len(names) - AUTHORS, 0),
    }


def _decide(request: HttpRequest, reader: Reader) -> str:
    submission, moment = submission_of(chosen(request, "submission")), now()
    if request.POST.get("do") == "accept":
        submissions.accept(reader, submission, day_of(request), reason_of(request), now=moment)
        return _("Accepted. It stands in the edition of that day.")
    if request.POST.get("do") == "decline":
        submissions.decline(reader, submission, reason_of(request), now=moment)
        return _("Declined. The reader is told why.")
    raise unclear()
