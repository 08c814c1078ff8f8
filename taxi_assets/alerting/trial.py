"""Trying the channels out."""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channels import Channel, ChannelError


def send_trial(channels: Iterable[Channel]) -> list[tuple[str, str | None]]:
    """Send one alert straight to each channel, and tell how that went.

    Returns:
        The name of each channel, with the error, without secrets, where it did not take the alert.
    """
    alert = Alert(
        event_id=f"trial/{uuid4().hex[:12]}",
        severity="WARN",
        title="a trial: alerts of taxi_assets arrive here",
        details={"sent by": f"taxi alerts test, on {socket.gethostname()}"},
        at=datetime.now(UTC),
    )
    outcomes: list[tuple[str, str | None]] = []
    for channel in channels:
        try:
            channel.send(alert)
        except ChannelError as error:
            outcomes.append((channel.name, str(error)))
        else:
            outcomes.append((channel.name, None))
    return outcomes
