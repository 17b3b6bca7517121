"""A dry run by hand: what would be sent now, as files that mail programs open. The ledger stays as it is."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from broadsheet.digest import due as dues
from broadsheet.digest import prepare, transport
from broadsheet.digest.letters import Desk
from broadsheet.digest.models import Mail
from broadsheet.digest.pool import Pools
from broadsheet.digest.prepare import Made
from broadsheet.mail.messages import Unsendable


def run(now: datetime, folder: Path, limit: int | None = None) -> tuple[int, int]:
    """Write a file for each mail that is due to be made, whole and signed, readable by the owner alone.

    Its links act as those of a mail do, but for the page of a digest, which is not kept. limit: most files. Gives how
    many files, and how many digests that no mail would come of. Raises ValueError where a key cannot be read, OSError
    where the folder cannot be written.
    """
    desk, way = Desk(), transport.Folder(folder, transport.signer())
    written = nothing = 0
    for made in _due(now):
        if limit is not None and written >= limit:
            break
        mail = _mail(made, now)
        if not made.chosen.picks:
            nothing += 1
            continue
        desk.lay_out([mail])
        written += _write(way, desk, mail)
    return written, nothing


def _due(now: datetime) -> Iterator[Made]:
    pools = Pools(now)
    for found in dues.due(now):
        yield from (made for made in prepare.choose_all(found, pools) if made.is_kept)


def _mail(made: Made, now: datetime) -> Mail:
    subscription, name = made.due.subscription, f"{made.due.last}-{made.due.subscription.pk}"
    return Mail(
        subscription=subscription,
        digest=prepare.digest_of(made, now),
        address=subscription.address,
        message_id=f"<dry-run.{name}@{transport.sender_host()}>",
        token=name,
        queued=now,
    )


def _write(way: transport.Folder, desk: Desk, mail: Mail) -> int:
    try:
        way.ready(desk.letter(mail), desk.envelope(mail), mail.token)()
    except Unsendable:
        return 0
    return 1
