import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from broadsheet.readers import accounts
from broadsheet.readers.models import Notification, Reader
from broadsheet.readers.refused import Refused
from broadsheet.readers.tests.site import NOON, reader

pytestmark = pytest.mark.django_db


def test_an_account_is_found_by_handle_and_by_address_in_any_case() -> None:
    ada = accounts.create("Ada@Lab.Example", "Ada", "Ada Lum", now=NOON)
    assert ada.email == "ada@lab.example" and not ada.has_usable_password()
    assert accounts.by_handle("@ADA") == accounts.by_email("ADA@lab.example") == accounts.named(" ada ") == ada
    assert accounts.named("ADA@LAB.EXAMPLE") == ada
    assert accounts.named("nobody") is accounts.named("x@\0") is None


@pytest.mark.parametrize(("email", "handle"), [("ADA@lab.example", "other"), ("other@lab.example", "ada")])
def test_a_handle_and_an_address_belong_to_one_reader(email: str, handle: str) -> None:
    reader("ada")
    with pytest.raises(Refused, match="taken"):
        accounts.create(email, handle, "Someone Else", now=NOON)
    assert Reader.objects.count() == 1


def test_the_database_itself_keeps_addresses_apart_by_more_than_case() -> None:
    reader("ada")
    with pytest.raises(IntegrityError), transaction.atomic():
        Reader.objects.create(email="ADA@lab.example", handle="x2", name="X", joined=NOON)


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a" * 400 + "@x.example", "a@x.invalid", "a\0@x.example", "a b@x.example"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Refused):
        accounts.create(email, "ada", "Ada", now=NOON)


def test_who_waits_is_let_in_once_and_told_so() -> None:
    bo, moderator = reader("bo"), reader("mo", role="moderator")
    Reader.objects.filter(pk=bo.pk).update(state="waiting")
    assert list(accounts.waiting()) == [bo]
    accounts.approve(moderator, bo, now=NOON)
    assert bo.is_active and bo.approved_by == moderator and not accounts.waiting()
    assert [each.kind for each in Notification.objects.filter(reader=bo)] == ["welcome"]
    assert mail.outbox[0].to == ["bo@lab.example"] and "/account/login/" in mail.outbox[0].body
    with pytest.raises(Refused, match="does not wait"):
        accounts.approve(moderator, bo, now=NOON)


def test_only_moderators_let_people_in() -> None:
    bo = reader("bo")
    Reader.objects.filter(pk=bo.pk).update(state="waiting")
    with pytest.raises(Refused, match="moderators"):
        accounts.approve(reader("cu", role="curator"), bo, now=NOON)
    assert list(accounts.waiting()) == [bo]
