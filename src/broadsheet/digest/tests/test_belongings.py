import json

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db.models import ForeignKey, Model

from broadsheet.community.tests.factory import NOON, a_paper, reader
from broadsheet.digest import belongings as ours
from broadsheet.digest.models import Bounced, Digest, Less, Mail, Subscription, Told
from broadsheet.readers import belongings
from broadsheet.readers.models import Reader

pytestmark = pytest.mark.django_db
# By the column through which a row belongs to somebody, where an export tells of it. A new column has to be added
# here, and to `everything`.
TOLD = {
    "Subscription.reader": "digests",
    "Digest.subscription": "digests",
    "Told.subscription": "told",
    "Told.digest": "told",
    "Mail.subscription": "mails",
    "Mail.digest": "mails",
    "Bounced.subscription": "bounces",
    "Bounced.mail": "bounces",
    "Less.subscription": "less",
}
OWNERS = (Reader, Subscription, Digest, Mail)


def models() -> list[type[Model]]:
    return list(apps.get_app_config("digest").get_models())


def everything(address: str, who: Reader | None, number: int = 1) -> Subscription:
    """Let every table hold something of a subscription."""
    paper = a_paper(number)
    subscription = Subscription.objects.create(
        address=address, reader=who, state="active", lists=["search/my words"], asked=NOON, confirmed=NOON, says="Said."
    )
    day = NOON.date()
    digest = Digest.objects.create(
        subscription=subscription, first=day, last=day, state="composed", picks=[{"paper": paper.key}], made=NOON
    )
    Told.objects.create(subscription=subscription, paper=paper, digest=digest)
    mail = Mail.objects.create(
        subscription=subscription, digest=digest, address=address, domain="lab.example",
        message_id=f"<{number}@secret>",
        token=f"hush{number}", state="sent", next_try=NOON, queued=NOON, reply="250 taken", claimed_by="host:1",
    )  # fmt: skip
    told = {"kind": "soft", "address": address, "reason": "full", "raw": b"raw words", "at": NOON}
    Bounced.objects.create(digest_of_raw=f"a{number}", subscription=subscription, **told)
    Bounced.objects.create(digest_of_raw=f"b{number}", mail=mail, **told)
    Less.objects.create(subscription=subscription, paper=paper, at=NOON)
    return subscription


@pytest.fixture
def ada() -> Reader:
    found = reader(7)
    EmailAddress.objects.create(user=found, email=found.email, primary=True, verified=True)
    return found


def test_no_column_was_forgotten(ada: Reader) -> None:
    columns = [
        (model, field)
        for model in models()
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model in OWNERS
    ]
    assert {f"{model.__name__}.{field.name}" for model, field in columns} == set(TOLD)
    told = ours.export(everything("ada@lab.example", ada))
    for model, field in columns:
        assert model._default_manager.filter(**{f"{field.name}__isnull": False}).exists()
        part = TOLD[f"{model.__name__}.{field.name}"]
        assert told[part], part


def test_an_export_tells_of_every_field_but_secrets_and_is_json(ada: Reader) -> None:
    assert belongings.export(ada)["digests"] == []
    everything("ada@lab.example", ada)
    exported = belongings.export(ada)["digests"]
    assert isinstance(exported, list)
    (told,) = exported
    rows = {Subscription: told, Digest: told["digests"][0], Mail: told["mails"][0], Bounced: told["bounces"][0]}
    for model, row in rows.items():
        assert {field.name for field in model._meta.concrete_fields} - ours.KEPT_BACK <= row.keys(), model
    assert told["told"] == [told["less"][0]["paper"]] and len(told["bounces"]) == 2
    text = json.dumps(told)
    assert "my words" in text and "250 taken" in text
    for secret in ("hush1", "@secret", "raw words", "host:1"):
        assert secret not in text


def test_erasing_a_reader_leaves_nothing_of_theirs_and_all_of_others(ada: Reader) -> None:
    everything("elsewhere@lab.example", ada)
    # What went to the proved address before there was an account is theirs too.
    everything(ada.email, None, 2)
    other = everything("bo@lab.example", None, 3)
    assert len(belongings.export(ada)["digests"]) == 2  # type: ignore[arg-type]
    belongings.erase(ada)
    assert list(Subscription.objects.all()) == [other]
    for model in models():
        for row in model._default_manager.all():
            for field in row._meta.concrete_fields:
                kept = str(field.value_from_object(row))
                assert "elsewhere@" not in kept and ada.email not in kept, f"{model.__name__}.{field.name}"
    assert Bounced.objects.count() == 2 and Mail.objects.count() == 1


def test_an_address_that_is_not_proved_gives_nothing_away(ada: Reader) -> None:
    EmailAddress.objects.update(verified=False)
    everything(ada.email, None)
    assert belongings.export(ada)["digests"] == []
    belongings.erase(ada)
    assert Subscription.objects.count() == 1
