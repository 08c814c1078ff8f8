"""The sensor `alerts`: finds what somebody should hear of, and sends it."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from taxi_assets.alerting.channels import open_channels
from taxi_assets.alerting.delivery import deliver
from taxi_assets.alerting.outbox import Outbox
from taxi_assets.defs.backfill_events import backfill_events
from taxi_assets.defs.events import AlertFilter
from taxi_assets.defs.run_events import run_events
from taxi_assets.defs.tick_events import tick_events
from taxi_assets.settings import Settings, load_settings

SECONDS = 20
"""Dagster gives a sensor a minute; what is not sent by then is sent at the next look."""

REMEMBERED = timedelta(days=30)
"""How long events are known that were sent: far longer than any look goes back."""


def open_outbox(settings: Settings) -> Outbox:
    """The outbox of a home."""
    return Outbox(settings.home / "alerts" / "outbox.db")


@dg.sensor(
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert for each failed check, failed or vanished run, backfill that could not go on, and "
    "failing sensor or schedule, to the channels of TAXI_ALERT_URLS. What a channel does not take is sent again later.",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Find events, keep them together with how far was looked, and send what is due."""
    settings = load_settings()
    channels = open_channels(settings.alert_urls.get_secret_value())
    names = [channel.name for channel in channels]
    outbox = open_outbox(settings)
    now = datetime.now(UTC)
    alert_filter = AlertFilter.of(settings)
    found = run_events(context.instance, outbox.notes("runs"), now, alert_filter, settings.ui_url)
    new = outbox.add(found.alerts, names, found.notes)
    found = tick_events(context.instance, outbox.notes("ticks"), now, settings.ui_url)
    new += outbox.add(found.alerts, names, found.notes)
    new += outbox.add(backfill_events(context.instance, now, alert_filter, settings.ui_url), names)
    delivery = deliver(outbox, channels, now=lambda: datetime.now(UTC), seconds=SECONDS)
    outbox.forget(now - REMEMBERED)
    not_taken = "".join(f" {each.reason}" for each in delivery.channels.values() if each.reason)
    return dg.SkipReason(f"{new} new events; {delivery.sent} messages sent, {delivery.waiting} waiting.{not_taken}")
