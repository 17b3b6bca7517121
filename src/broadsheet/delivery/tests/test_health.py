from datetime import timedelta

import pytest

from broadsheet.community.tests.factory import reader
from broadsheet.delivery import due, health
from broadsheet.delivery.models import Hook
from broadsheet.delivery.tests.places_of import LATER, come, place

pytestmark = pytest.mark.django_db


def test_a_site_that_sends_nothing_is_well() -> None:
    assert health.deliveries_check(LATER).ok
    assert "deliveries" in {check.name for check in health.checks(LATER)}


def test_one_place_that_fails_is_its_owners_matter_and_many_are_ours() -> None:
    ada = reader()
    for _ in range(4):
        place(ada)
    Hook.objects.filter(pk=Hook.objects.latest("pk").pk).update(state="failing")
    assert health.deliveries_check(LATER).ok
    Hook.objects.exclude(pk=Hook.objects.latest("pk").pk).update(state="failing")
    found = health.deliveries_check(LATER)
    assert not found.ok and found.do and "0 places active, 4 failing" in found.says


def test_messages_that_nobody_sends_are_told() -> None:
    place(reader())
    come([1])
    due.prepare(LATER)
    assert health.deliveries_check(LATER).ok
    assert "messages that wait: 1" in health.deliveries_check(LATER + timedelta(hours=1)).says
    Hook.objects.update(next_try=LATER + timedelta(hours=2))
    assert health.deliveries_check(LATER + timedelta(hours=1)).ok
