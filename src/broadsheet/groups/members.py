"""Who is in a group: founding it, asking readers in, leaving, keeping it, closing it.

Nobody is in a group without their own yes. Every change of who is in a group holds the group's row, so that two
keepers who leave at once do not leave it without one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from broadsheet.community.given import line, passage
from broadsheet.groups import remembered
from broadsheet.groups.models import Group, Member
from broadsheet.readers import accounts, notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.refused import Refused

LONGEST_NAME: Final = 80
LONGEST_ABOUT: Final = 1000
LONGEST_SLUG: Final = 54
MOST_FOUNDED: Final = 20
MOST_GROUPS: Final = 50
MOST_MEMBERS: Final = 100
MOST_SLUGS: Final = 1000
# A reader who said no is not asked again for a while.
LEFT_ALONE: Final = timedelta(days=30)
# Addresses of pages that are no group's.
RESERVED: Final = frozenset({"new", "put", "who", "asked"})


def found(by: Reader, name: str, about: str, *, now: datetime) -> Group:
    """Found a group, whose keeper the reader is. Raises Refused."""
    _must_be_active(by)
    called, said = _name(name), passage(about, LONGEST_ABOUT)
    if Group.objects.filter(made_by=by).count() >= MOST_FOUNDED:
        raise Refused(_("You founded %(most)s groups already; close one that is not used.") % {"most": MOST_FOUNDED})
    _must_have_room(by)
    for slug in _slugs(called):
        try:
            with transaction.atomic():
                group = Group.objects.create(slug=slug, name=called, about=said, made_by=by, made=now)
                Member.objects.create(group=group, reader=by, state="in", keeper=True, at=now)
                return group
        except IntegrityError:
            continue
    raise Refused(_("There are too many groups of that name."))


def _name(text: str) -> str:
    return accounts.check_name(line(text, LONGEST_NAME))


def _slugs(name: str) -> Iterator[str]:
    base = slugify(name)[:LONGEST_SLUG].strip("-_") or "group"
    taken = RESERVED | set(Group.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, MOST_SLUGS))
    return (slug for slug in numbered if slug not in taken)


def of(reader: Reader) -> list[Member]:
    """Give the reader's places in groups, by the group's name, each with how many are in it as `size`."""
    size = Count("group__members", filter=Q(group__members__state="in"))
    rows = Member.objects.filter(reader=reader, state="in").select_related("group").annotate(size=size)
    return list(rows.order_by("group__name", "group_id"))


def is_anywhere(reader: Reader) -> bool:
    """Whether a reader is in any group."""
    return Member.objects.filter(reader=reader, state="in").exists()


def asked(reader: Reader) -> list[Member]:
    """Give the groups that ask the reader in, the newest first."""
    rows = Member.objects.filter(reader=reader, state="asked").select_related("group")
    return list(rows.order_by("-at", "-pk"))


def place(reader: Reader, slug: str) -> Member | None:
    """Give the reader's place in the group of that slug; None where they are not in it, or there is none."""
    if not slug.isprintable() or len(slug) > 60:
        return None
    found = Member.objects.filter(group__slug=slug, reader=reader, state="in")
    return found.select_related("group", "reader").first()


def everyone(group: Group) -> list[Member]:
    """Give who is in a group: keepers first, then by how long."""
    rows = group.members.filter(state="in").select_related("reader")
    return list(rows.order_by("-keeper", "at", "pk"))


def waiting(group: Group) -> list[Member]:
    """Give who was asked and did not answer yet."""
    return list(group.members.filter(state="asked").select_related("reader").order_by("-at", "-pk"))


def sharing(group: Group) -> list[Member]:
    """Give the members who share what they like: of nobody else anything is read for the group."""
    rows = group.members.filter(state="in", shares=True, reader__state="active").select_related("reader")
    return list(rows.order_by("at", "pk"))


def ask(by: Member, handle: str, *, now: datetime) -> Member:
    """Ask a reader to come in, as a keeper; they are told and answer themselves. Raises Refused."""
    reader = accounts.by_handle(line(handle, 200))
    if reader is None or not reader.is_active:
        raise Refused(_("There is no reader of that name here. Write the handle, as in @ada."))
    with _held(by) as group:
        _must_keep(by)
        before = group.members.filter(reader=reader).first()
        if before:
            _must_not_be_there(before, now)
            before.delete()
        if group.members.exclude(state="no").count() >= MOST_MEMBERS:
            raise Refused(_("A group holds %(most)s readers at most.") % {"most": MOST_MEMBERS})
        made = Member.objects.create(group=group, reader=reader, at=now)
        _tell([reader], "asked", group, by.reader, now, reverse("groups"))
    return made


def _must_not_be_there(before: Member, now: datetime) -> None:
    if before.state == "in":
        raise Refused(_("They are in the group already."))
    if before.state == "asked":
        raise Refused(_("They were asked already and have not answered yet."))
    if before.at > now - LEFT_ALONE:
        raise Refused(_("They said no a short while ago. Please talk to them first."))


def answer(reader: Reader, slug: str, yes: bool, *, now: datetime) -> Group | None:
    """Come into a group that asked, or say no; None where the group asks no more. Raises Refused."""
    open_asks = Member.objects.filter(reader=reader, state="asked", group__slug=slug[:60].replace("\0", ""))
    before = open_asks.select_related("group").first()
    if before is None:
        return None
    if not yes:
        # Kept, so that the reader is not asked again and again.
        open_asks.filter(pk=before.pk).update(state="no", at=now)
        return before.group
    _must_be_active(reader)
    _must_have_room(reader)
    with transaction.atomic():
        if not open_asks.filter(pk=before.pk).update(state="in", keeper=False, shares=False, at=now):
            return None
        keepers = Member.objects.filter(group=before.group, keeper=True, state="in").select_related("reader")
        _tell([each.reader for each in keepers], "joined", before.group, reader, now)
    return before.group


def take_back(by: Member, number: int) -> None:
    """Ask a reader no longer, as a keeper; number: of the place. Raises Refused."""
    with _held(by) as group:
        _must_keep(by)
        group.members.filter(pk=number, state="asked").delete()


def remove(by: Member, number: int, *, now: datetime) -> None:
    """Take a member out of the group, as a keeper. Raises Refused."""
    with _held(by) as group:
        _must_keep(by)
        other = _other(by, number)
        other.delete()
        remembered.forget(group.pk)
        _tell([other.reader], "removed", group, by.reader, now, reverse("groups"))


def name_keeper(by: Member, number: int, on: bool, *, now: datetime) -> None:
    """Make a member a keeper beside the others, or one no more. Raises Refused."""
    with _held(by) as group:
        _must_keep(by)
        other = _other(by, number)
        group.members.filter(pk=other.pk).update(keeper=on)
        if on and not other.keeper:
            _tell([other.reader], "keeper", group, by.reader, now)


def _other(by: Member, number: int) -> Member:
    found = by.group.members.filter(pk=number, state="in").exclude(pk=by.pk).select_related("reader").first()
    if found is None:
        raise Refused(_("They are not in the group any more."))
    return found


def leave(own: Member, successor: int | None = None, *, now: datetime) -> None:
    """Leave a group. The last keeper names another first, by the number of their place. Raises Refused."""
    with _held(own) as group:
        keeps = group.members.filter(state="in", keeper=True)
        is_last = own.keeper and not keeps.exclude(pk=own.pk).exists()
        if is_last and successor is None:
            raise Refused(_("You are the last keeper. Name another one, or close the group."))
        if is_last and successor is not None:
            other = _other(own, successor)
            group.members.filter(pk=other.pk).update(keeper=True)
            _tell([other.reader], "keeper", group, own.reader, now)
        group.members.filter(pk=own.pk).delete()
        remembered.forget(group.pk)


def share(own: Member, on: bool) -> None:
    """Let what the reader likes count in the group, or no longer: nothing learned from it is kept anywhere."""
    Member.objects.filter(pk=own.pk, state="in").update(shares=on)
    remembered.forget(own.group_id)


def change(by: Member, name: str, about: str) -> None:
    """Change what the group is called and what is said of it, as a keeper; its address stays. Raises Refused."""
    called, said = _name(name), passage(about, LONGEST_ABOUT)
    with _held(by) as group:
        _must_keep(by)
        Group.objects.filter(pk=group.pk).update(name=called, about=said)


def close(by: Member, *, now: datetime) -> None:
    """Close the group, as a keeper: its list and all places in it are deleted, and its members told. Raises Refused."""
    with _held(by) as group:
        _must_keep(by)
        others = group.members.filter(state="in").exclude(pk=by.pk).select_related("reader")
        _tell([each.reader for each in others], "closed", group, by.reader, now, reverse("groups"))
        group.delete()


def without(reader: Reader) -> None:
    """Take a reader out of all groups, as on erasure. What is left without a keeper goes to who is in it longest."""
    groups = list(Group.objects.select_for_update(no_key=True).filter(members__reader=reader).order_by("pk"))
    Member.objects.filter(reader=reader).delete()
    for group in groups:
        remembered.forget(group.pk)
        inside = group.members.filter(state="in").order_by("-keeper", "at", "pk")
        heir = inside.first()
        if heir is None:
            # What nobody is in any more nobody can see.
            group.delete()
        elif not heir.keeper:
            inside.filter(pk=heir.pk).update(keeper=True)


@contextmanager
def _held(by: Member) -> Iterator[Group]:
    """Hold the group of a member while it is changed. Raises Refused for one who is not in it any more."""
    with transaction.atomic():
        group = Group.objects.select_for_update(no_key=True).filter(pk=by.group_id).first()
        now = Member.objects.filter(pk=by.pk, state="in").values_list("keeper", flat=True).first()
        if group is None or now is None:
            raise Refused(_("You are not in this group any more."))
        by.keeper = now
        yield group


def _must_keep(by: Member) -> None:
    if not by.keeper:
        raise Refused(_("Only keepers of the group may do that."))


def _must_be_active(reader: Reader) -> None:
    if not reader.is_active:
        raise Refused(_("Your account may not do that at the moment."))


def _must_have_room(reader: Reader) -> None:
    if Member.objects.filter(reader=reader, state="in").count() >= MOST_GROUPS:
        raise Refused(_("One reader is in %(most)s groups at most.") % {"most": MOST_GROUPS})


def _tell(readers: Iterable[Reader], did: str, group: Group, by: Reader, now: datetime, url: str = "") -> None:
    data = {"did": did, "group": group.name, "by": by.handle}
    notifications.notify(readers, "group", data, url or reverse("group", args=[group.slug]), now=now)
