"""`taxi alerts test`: one alert to each channel, and how that went."""

from taxi_assets_tests.e2e.conftest import Run
from taxi_assets_tests.receivers import webhook_server


def test_each_channel_gets_one_alert(taxi: Run) -> None:
    with webhook_server() as webhook:
        result = taxi("alerts", "test", TAXI_ALERT_URLS=webhook.url)
    assert result.returncode == 0, result.stderr
    assert f"json://{webhook.host}" in result.stdout
    (posted,) = webhook.taken
    assert posted["title"] == "WARN: a trial: alerts of taxi_assets arrive here"


def test_a_channel_that_fails_is_told_without_its_secrets(taxi: Run) -> None:
    with webhook_server() as webhook:
        webhook.answers = [500]
        urls = f"json://me:correct-horse@{webhook.host}/token-of-mine"
        result = taxi("alerts", "test", TAXI_ALERT_URLS=urls)
    assert result.returncode == 1
    assert f"json://{webhook.host}" in result.stderr
    assert "500" in result.stderr
    for secret in ("correct-horse", "token-of-mine"):
        assert secret not in result.stdout + result.stderr


def test_an_address_that_cannot_be_read_is_named_by_its_place(taxi: Run) -> None:
    result = taxi("alerts", "test", TAXI_ALERT_URLS="json://127.0.0.1:1/x nonsense://token-of-mine")
    assert result.returncode == 1
    assert "TAXI_ALERT_URLS: Apprise cannot read address 2" in result.stderr
    assert "token-of-mine" not in result.stderr


def test_without_addresses_it_says_that_alerts_are_logged(taxi: Run) -> None:
    result = taxi("alerts", "test")
    assert (result.returncode, result.stdout) == (0, "TAXI_ALERT_URLS is not set: alerts are only logged.\n")
