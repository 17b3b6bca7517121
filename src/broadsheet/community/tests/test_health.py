from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import Settings

from broadsheet.community import health
from broadsheet.community.models import Report
from broadsheet.community.tests.factory import NOON, reader
from broadsheet.papers.health import Check

pytestmark = pytest.mark.django_db


def check(name: str) -> Check:
    return next(found for found in health.checks(NOON) if found.name == name)


def test_a_site_without_accounts_is_well_and_says_how_to_own_it() -> None:
    found = check("accounts")
    assert found.ok and "broadsheet run" in found.do


def test_readers_without_an_owner_are_not_well() -> None:
    ada = reader(1)
    assert not check("accounts").ok
    ada.role = "owner"
    ada.set_password("quiet-planets-turn-9")
    ada.save()
    assert check("accounts").ok


def test_mail_needs_an_address_to_come_from_and_one_to_lead_back_to(settings: Settings) -> None:
    assert check("mail").ok
    values = {**settings.CONFIG.values, "mail_url": "smtp://mail.example", "mail_from": "", "public_url": ""}
    settings.CONFIG = replace(settings.CONFIG, values=values)
    assert "mail_from and public_url" in check("mail").do
    values |= {"mail_from": "papers@lab.example", "public_url": "https://papers.lab.example"}
    assert check("mail").ok


def test_what_waits_on_the_desk_for_more_than_a_week_is_not_well() -> None:
    Report.objects.create(reader=reader(1), subject="paper:2611.00001", cause="spam", at=NOON - timedelta(days=2))
    assert check("desk").ok and check("desk").says == "0 submissions, 0 claims and 1 report wait"
    Report.objects.update(at=NOON - timedelta(days=9))
    assert not check("desk").ok
