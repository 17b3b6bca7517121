from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.signing import Signer
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from broadsheet.community.tests.factory import NOON
from broadsheet.digest import links
from broadsheet.digest.links import BadLink
from broadsheet.digest.models import Subscription

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Make = Callable[..., Subscription]


@pytest.fixture
def make() -> Make:
    def kept(name: str = "ada", **fields: object) -> Subscription:
        values = {"address": f"{name}@lab.example", "asked": NOON, "state": "active", "lists": ["trending"]}
        return Subscription.objects.create(**values | fields)

    return kept


def test_a_link_says_what_it_was_made_for(make: Make) -> None:
    ada = make()
    token = links.token(ada, "vote", paper=17, digest=3, now=NOON)
    signed = links.read("vote", token, now=NOON + DAY)
    assert (signed.subscription, signed.paper, signed.digest, signed.address, signed.made) == (ada, 17, 3, "", NOON)
    moved = links.token(ada, "confirm", address="ada@new.example", now=NOON)
    assert links.read("confirm", moved, now=NOON).address == "ada@new.example"


@pytest.mark.parametrize("purpose", links.PAGES)
def test_addresses_are_absolute_and_end_with_what_mail_programs_keep(
    make: Make, purpose: str, settings: Settings
) -> None:
    place = links.link(make(), purpose, paper=1, digest=2, now=NOON)
    assert place.startswith("http") and "//" in place and place[-1].isalnum()
    assert place.isascii() and len(place) < 200


@pytest.mark.parametrize(("purpose", "days"), [("confirm", 7), ("preferences", 180), ("vote", 180), ("archive", 180)])
def test_links_expire(make: Make, purpose: str, days: int) -> None:
    token = links.token(make(), purpose, now=NOON)
    assert links.read(purpose, token, now=NOON + days * DAY).made == NOON
    with pytest.raises(BadLink, match="expired"):
        links.read(purpose, token, now=NOON + days * DAY + timedelta(seconds=1))


def test_the_way_out_never_expires_while_its_epoch_holds(make: Make) -> None:
    ada = make()
    token = links.token(ada, "unsubscribe", now=NOON)
    assert links.read("unsubscribe", token, now=NOON + 4000 * DAY).subscription == ada
    ada.epoch += 1
    ada.save()
    with pytest.raises(BadLink, match="ended"):
        links.read("unsubscribe", token, now=NOON)


def test_a_link_is_good_for_one_purpose_and_one_subscription(make: Make) -> None:
    ada, bo = make("ada"), make("bo")
    of_ada, of_bo = (links.token(one, "preferences", now=NOON) for one in (ada, bo))
    for purpose in set(links.PAGES) - {"preferences"}:
        with pytest.raises(BadLink):
            links.read(purpose, of_ada, now=NOON)
    mixed = of_ada.partition(".")[0] + "." + of_bo.partition(".")[2]
    with pytest.raises(BadLink):
        links.read("preferences", mixed, now=NOON)


def test_a_link_from_the_future_is_none_but_for_a_clock_that_goes_a_little_ahead(make: Make) -> None:
    token = links.token(make(), "confirm", now=NOON)
    assert links.read("confirm", token, now=NOON - timedelta(minutes=5)).made == NOON
    with pytest.raises(BadLink):
        links.read("confirm", token, now=NOON - DAY)


def test_a_link_of_what_is_gone_says_so(make: Make) -> None:
    ada = make()
    token = links.token(ada, "unsubscribe", now=NOON)
    ada.delete()
    with pytest.raises(BadLink, match="gone"):
        links.read("unsubscribe", token, now=NOON)


def test_a_new_key_ends_links_and_an_old_one_that_is_kept_does_not(make: Make, settings: Settings) -> None:
    token = links.token(make(), "vote", now=NOON)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    with pytest.raises(BadLink):
        links.read("vote", token, now=NOON)
    settings.SECRET_KEY_FALLBACKS = [before]
    assert links.read("vote", token, now=NOON).made == NOON


def test_no_single_sign_of_a_token_can_be_changed(make: Make) -> None:
    token = links.token(make(), "vote", paper=1, now=NOON)
    for place in range(len(token)):
        # The last digit of a signature has bits to spare, but a token is compared as text.
        forged = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadLink):
            links.read("vote", forged, now=NOON)


@effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.from_regex(r"[\w-]{43}(\.[0-9]{0,25}){0,7}")))
def test_nonsense_is_refused_with_a_sentence(text: str) -> None:
    for purpose in ("confirm", "unsubscribe"):
        with pytest.raises(BadLink, match=r"\.$"):
            links.read(purpose, text, now=NOON)


def test_other_things_that_this_site_signs_are_no_links(make: Make) -> None:
    ada = make()
    value = f".{ada.pk}.0...{int(NOON.timestamp())}"
    signature = Signer(salt="something else", sep=".").sign(value).rpartition(".")[2]
    with pytest.raises(BadLink):
        links.read("unsubscribe", f"{signature}.{value}", now=NOON)
    with pytest.raises(BadLink):
        links.read("unsubscribe", "x" * 10_000, now=NOON)
