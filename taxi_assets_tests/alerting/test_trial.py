"""The trial tells how each channel did."""

from taxi_assets.alerting.channels import open_channels
from taxi_assets.alerting.trial import send_trial
from taxi_assets_tests.receivers import Mailbox, Webhook


def test_the_trial_reaches_every_channel_that_works(webhook: Webhook, mailbox: Mailbox) -> None:
    channels = open_channels(f"{webhook.url} json://127.0.0.1:9/t0ken {mailbox.url('ops@example.com')}")

    hook, closed, mail = send_trial(channels)

    assert [name for name, _ in (hook, closed, mail)] == [channel.name for channel in channels]
    assert hook[1] is None
    assert mail[1] is None
    assert closed[1] is not None
    assert closed[1].startswith(f"{closed[0]} did not take the alert: ")
    assert "Connection refused" in closed[1]
    assert "t0ken" not in closed[1]
    assert mailbox.mails[0]["Subject"].startswith("WARN: a trial")
    assert webhook.events()[0].startswith("trial/")


def test_every_trial_is_another_event(webhook: Webhook) -> None:
    channels = open_channels(webhook.url)
    send_trial(channels)
    send_trial(channels)
    assert len(set(webhook.events())) == 2
