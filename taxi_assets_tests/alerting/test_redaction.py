"""What is said about an address holds nothing of it but its host."""

import pytest

from taxi_assets.alerting.redaction import Redaction

HOST = "hooks.example.com:8443"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("json://me:s3cr3t@H/", "login of me with s3cr3t"),
        ("json://me:p%40ss%2Fword@H/", "login with p@ss/word, p%40ss%2Fword"),
        ("json://me:s3cr3t@H/", "Authorization: Basic bWU6czNjcjN0"),
        ("json://H/t0kenA/t0kenB", "Max retries exceeded with url: /t0kenA/t0kenB"),
        ("json://H/t0kenA", "url: /t0kenA?x=1"),
        ("json://H/?+Authorization=Bearer%20abcdef", "got Bearer abcdef, or abcdef"),
        ("json://H/?+X-Key=abc+def%2Fghi", "got ghi"),
        ("json://H/?token=abcdef#ghijkl", "got abcdef ghijkl"),
        ("json://H/ab", "url: /ab"),
    ],
)
def test_no_piece_of_an_address_is_left(url: str, said: str) -> None:
    redacted = Redaction(url.replace("H", HOST, 1), HOST, is_email=False).apply(said)
    for secret in ("s3cr3t", "p@ss", "p%40ss", "bWU6", "t0ken", "abc", "def", "ghi", "/ab"):
        assert secret not in redacted
    assert "***" in redacted


def test_the_host_and_the_reason_are_left() -> None:
    redaction = Redaction(f"json://me:s3cr3t@{HOST}/t0ken?method=post&no=x", HOST, is_email=False)
    reason = f"{HOST} answered to post: Internal server error, error=500"
    assert redaction.apply(reason) == reason


def test_a_token_in_the_place_of_a_host_is_a_secret() -> None:
    redaction = Redaction("tgram://123456:ABCdef/chat", None, is_email=False)
    assert redaction.apply("https://api.telegram.org/bot123456:ABCdef/sendMessage") == (
        "https://api.telegram.org/bot***:***/sendMessage"
    )


def test_short_pieces_are_taken_out_where_they_are_words() -> None:
    redaction = Redaction(f"json://ab:c@{HOST}/", HOST, is_email=False)
    assert redaction.apply("about ab: c is no code") == "about ***: *** is no code"


def test_mailboxes_are_no_secrets() -> None:
    redaction = Redaction(
        "mailto://taxi:s3cr3t@example.com?to=ops@example.com&pass=0ther", "example.com", is_email=True
    )
    assert redaction.apply("ops@example.com refused s3cr3t and 0ther") == "ops@example.com refused *** and ***"
