import pytest

from broadsheet.mail.services import key_parts


@pytest.mark.parametrize(
    ("service", "key", "parts"),
    [
        ("postmark", "abc", {"server_token": "abc"}),
        ("mailjet", "key:secret", {"api_key": "key", "secret_key": "secret"}),
        ("mailgun", "key", {"api_key": "key"}),
        ("mailgun", "key:https://x.example/v3", {"api_key": "key", "api_url": "https://x.example/v3"}),
        ("resend", "with:colon", {"api_key": "with:colon"}),
    ],
)
def test_a_key_is_taken_apart_as_its_service_wants_it(service: str, key: str, parts: dict[str, str]) -> None:
    assert key_parts(service, key) == parts


@pytest.mark.parametrize(("service", "key"), [("postmark", ""), ("mailjet", "secret-of-one-part"), ("mailjet", "key:")])
def test_a_key_that_is_not_whole_is_refused_without_saying_it(service: str, key: str) -> None:
    with pytest.raises(ValueError, match="is written") as refused:
        key_parts(service, key)
    assert "secret-of" not in str(refused.value)
