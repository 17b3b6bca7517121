"""What this room keeps of a reader: memberships, and who put a paper on a group's list."""

from broadsheet.groups import members
from broadsheet.groups.models import Group, Member, Shelved
from broadsheet.readers import belongings
from broadsheet.readers.models import Reader
from broadsheet.readers.parts import row


def register() -> None:
    """Register the part."""
    belongings.register(belongings.Part("groups", _export, _erase))


def _export(reader: Reader) -> object:
    members = Member.objects.filter(reader=reader).select_related("group").order_by("pk")
    shelved = Shelved.objects.filter(by=reader).select_related("group", "paper").order_by("pk")
    return {
        "made": [group.slug for group in Group.objects.filter(made_by=reader).order_by("pk")],
        "memberships": [row(each, group=each.group.slug) for each in members],
        "papers": [row(each, group=each.group.slug, paper=each.paper.key, by=None) for each in shelved],
    }


def _erase(reader: Reader) -> None:
    # What they told the group of themselves goes with the membership: it was never kept beside it.
    members.without(reader)
    Shelved.objects.filter(by=reader).update(by=None)
    Group.objects.filter(made_by=reader).update(made_by=None)
