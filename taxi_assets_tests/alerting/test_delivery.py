"""Every alert is delivered once to every channel, whatever the others do."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channel import Channel, ChannelError
from taxi_assets.alerting.channels import open_channels
from taxi_assets.alerting.delivery import Delivery, Pass, deliver
from taxi_assets.alerting.outbox import Backlog, Outbox
from taxi_assets_tests.alerting.events import NOON, failed_check, filled
from taxi_assets_tests.receivers import Mailbox, Webhook

CLOSED = "json://127.0.0.1:9/"


class Clock:
    """Stands still, but for what a test lets pass."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **span: float) -> None:
        self.time += timedelta(**span)


class Place:
    """A channel that takes what `takes` names, or everything."""

    def __init__(self, name: str = "place") -> None:
        self.name = name
        self.tried: list[str] = []
        self.refuses: set[str] = set()
        self.is_down = False

    def send(self, alert: Alert) -> None:
        self.tried.append(alert.event_id)
        if self.is_down or alert.event_id in self.refuses:
            raise ChannelError(f"{self.name} did not take the alert: it is closed.")


def delivered(outbox: Outbox, channels: Iterable[Channel], now: Clock, seconds: float = 60) -> Delivery:
    return deliver(outbox, list(channels), now=now, seconds=seconds)


@pytest.fixture
def now() -> Clock:
    return Clock()


def test_mail_and_webhook_each_get_each_alert_once(
    outbox: Outbox, webhook: Webhook, mailbox: Mailbox, now: Clock
) -> None:
    webhook.answers = [500]
    channels = open_channels(f"{webhook.url} {mailbox.url('ops@example.com')}")
    hook, mail = (channel.name for channel in channels)
    ids = filled(outbox, [hook, mail], 3)

    first = delivered(outbox, channels, now)

    assert first.channels[hook] == Pass(sent=2, failed=1, waiting=1, reason=None)
    assert first.channels[mail] == Pass(sent=3, failed=0, waiting=0, reason=None)
    assert (first.sent, first.waiting) == (5, 1)
    assert delivered(outbox, channels, now).sent == 0
    now.pass_by(seconds=30)
    assert delivered(outbox, channels, now).sent == 1
    assert delivered(outbox, channels, now).sent == 0
    assert webhook.events() == [*ids[1:], ids[0]]
    assert [mail.get_content().splitlines()[-1] for mail in mailbox.mails] == [f"event: {event_id}" for event_id in ids]


@pytest.mark.slow
def test_a_thousand_alerts_are_each_delivered_once(outbox: Outbox, webhook: Webhook, now: Clock) -> None:
    channels = open_channels(webhook.url)
    ids = filled(outbox, [channels[0].name], 1_000)
    assert delivered(outbox, channels, now).waiting == 0
    assert webhook.events() == ids


def test_a_channel_that_hangs_and_one_that_fails_hold_back_no_other(
    outbox: Outbox, webhook: Webhook, second_webhook: Webhook, now: Clock
) -> None:
    second_webhook.go_on.clear()
    channels = open_channels(f"{second_webhook.url}?rto=25 {CLOSED} {webhook.url}")
    ids = filled(outbox, [channel.name for channel in channels], 5)
    deliveries: list[Delivery] = []
    thread = Thread(target=lambda: deliveries.append(delivered(outbox, channels, now)), daemon=True)
    thread.start()
    for _ in range(1_000):
        if len(webhook.taken) == 5:
            break
        thread.join(0.01)
    assert webhook.events() == ids
    assert second_webhook.taken == []
    assert thread.is_alive()
    second_webhook.go_on.set()
    thread.join()
    assert second_webhook.events() == ids
    assert [left.waiting for left in deliveries[0].channels.values()] == [0, 5, 0]


def test_a_channel_that_fails_is_left_alone_for_pauses_that_grow(outbox: Outbox, now: Clock) -> None:
    place = Place()
    place.is_down = True
    ids = filled(outbox, [place.name], 20)
    assert delivered(outbox, [place], now).channels == {
        "place": Pass(sent=0, failed=3, waiting=20, reason="place did not take the alert: it is closed.")
    }
    assert outbox.backlog()["place"].failing == 3
    for pause in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        now.pass_by(seconds=pause - 1)
        assert delivered(outbox, [place], now).channels["place"].failed == 0
        now.pass_by(seconds=1)
        assert delivered(outbox, [place], now).channels["place"].failed == 1

    place.is_down = False
    now.pass_by(hours=1)
    place.tried = []
    assert delivered(outbox, [place], now).channels == {"place": Pass(sent=20, failed=0, waiting=0, reason=None)}
    assert sorted(place.tried) == ids


def test_after_a_success_pauses_are_short_again(outbox: Outbox, now: Clock) -> None:
    place = Place()
    filled(outbox, [place.name], 5)
    for _ in range(2):
        place.is_down = True
        assert delivered(outbox, [place], now).channels["place"].failed == 3
        now.pass_by(seconds=30)
        place.is_down = False
        assert delivered(outbox, [place], now).waiting == 0
        outbox.add([failed_check(f"more/{number}") for number in range(3)], [place.name])


def test_alerts_that_are_always_refused_stop_no_others(outbox: Outbox, now: Clock) -> None:
    place = Place()
    ids = filled(outbox, [place.name], 10)
    place.refuses = set(ids[:4])
    delivered(outbox, [place], now)
    now.pass_by(seconds=30)
    delivered(outbox, [place], now)
    now.pass_by(seconds=60)
    delivered(outbox, [place], now)
    assert set(ids[4:]) <= set(place.tried)
    assert outbox.backlog()["place"].waiting == 4
    for _ in range(30):
        now.pass_by(hours=1)
        delivered(outbox, [place], now)
    assert all(place.tried.count(event_id) == 1 for event_id in ids[4:])
    assert all(5 < place.tried.count(event_id) <= 34 for event_id in ids[:4])
    place.refuses = set()
    now.pass_by(hours=1)
    assert delivered(outbox, [place], now).waiting == 0


def test_no_send_is_started_when_the_time_is_over(outbox: Outbox, now: Clock) -> None:
    place = Place()
    filled(outbox, [place.name], 3)
    assert delivered(outbox, [place], now, seconds=0).channels["place"] == Pass(0, 0, 3, None)
    assert place.tried == []


def test_what_another_delivery_is_sending_is_left_to_it(outbox: Outbox, now: Clock, tmp_path: Path) -> None:
    started, go_on = Event(), Event()

    class Slow(Place):
        def send(self, alert: Alert) -> None:
            started.set()
            go_on.wait(30)
            super().send(alert)

    slow, quick = Slow(), Place()
    filled(outbox, [slow.name], 3)
    thread = Thread(target=lambda: delivered(outbox, [slow], now), daemon=True)
    thread.start()
    assert started.wait(30)
    same_file = Outbox(tmp_path / "alerts" / "outbox.db")
    assert delivered(same_file, [quick], now).channels["place"] == Pass(0, 0, 3, None)
    go_on.set()
    thread.join()
    assert delivered(same_file, [quick], now).waiting == 0
    assert (len(slow.tried), quick.tried) == (3, [])


def test_what_waits_for_a_channel_that_is_gone_is_dropped_and_that_is_said_once(
    outbox: Outbox, now: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place()
    filled(outbox, [place.name, "gone", "gone too"], 4)
    assert delivered(outbox, [place], now).dropped == 8
    assert delivered(outbox, [place], now).dropped == 0
    (warning,) = caplog.messages
    assert warning.startswith("8 alerts were waiting for channels that TAXI_ALERT_URLS does not name any more")
    assert len(place.tried) == 4


def test_failures_are_logged_once_a_pass(outbox: Outbox, now: Clock, caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.is_down = True
    filled(outbox, [place.name], 5)
    delivered(outbox, [place], now)
    assert caplog.messages == ["place did not take the alert: it is closed. Alerts that wait to be tried again: 5."]
    delivered(outbox, [place], now)
    assert len(caplog.messages) == 1


def test_a_fault_of_a_channel_is_raised_when_the_others_are_done(outbox: Outbox, now: Clock) -> None:
    class Faulty(Place):
        def send(self, alert: Alert) -> None:
            raise ZeroDivisionError

    place = Place()
    filled(outbox, ["faulty", place.name], 3)
    with pytest.raises(ZeroDivisionError):
        delivered(outbox, [Faulty("faulty"), place], now)
    assert outbox.backlog() == {"faulty": Backlog(3, 0, None)}
