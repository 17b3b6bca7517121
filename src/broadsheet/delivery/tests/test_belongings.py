import json

import pytest

from broadsheet.community.tests.factory import NOON, reader
from broadsheet.delivery import due
from broadsheet.delivery.due import Round
from broadsheet.delivery.models import Delivery, Hook, Told
from broadsheet.delivery.tests.places_of import Hands, Receivers, come, place
from broadsheet.readers import belongings

pytestmark = pytest.mark.django_db
TARGET = "https://hooks.example/services/abcdef123456"


def test_an_export_tells_of_places_and_messages_without_their_secrets() -> None:
    ada = reader()
    assert belongings.export(ada)["deliveries"] == []
    hook, clock = place(ada, TARGET, name="My robot"), Hands()
    come([1])
    due.prepare(clock())
    Round(clock=clock, senders=Receivers().senders).run()
    given = belongings.export(ada)["deliveries"]
    assert isinstance(given, list) and len(given) == 1
    told = given[0]
    assert told["name"] == "My robot" and told["key"] == "edition" and told["made"] == NOON.isoformat()
    assert told["sent"][0]["papers"] == ["2611.00001"] and told["sent"][0]["state"] == "sent"
    text = json.dumps(belongings.export(ada))
    assert hook.secret not in text and "abcdef12" not in text and told["target"] == "https://hooks.example/…3456"


def test_erasing_leaves_nothing_of_a_reader_and_everything_of_others() -> None:
    ada, bo = reader(1), reader(2)
    place(ada, TARGET)
    theirs = place(bo)
    come([1])
    due.prepare(Hands()())
    belongings.erase(ada)
    assert list(Hook.objects.all()) == [theirs]
    assert {row.hook_id for model in (Delivery, Told) for row in model._default_manager.all()} == {theirs.pk}
