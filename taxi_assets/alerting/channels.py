"""The channels that are set up: the addresses of TAXI_ALERT_URLS, or the log."""

import logging
import re
from functools import cache

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.apprise_channel import open_address
from taxi_assets.alerting.channel import Channel, ChannelError

__all__ = ["Channel", "ChannelError", "LogChannel", "open_channels"]

logger = logging.getLogger("taxi_assets.alerting")

SEPARATORS = re.compile(r"\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)|\s+")
"""A comma alone can be part of an address."""


def open_channels(urls: str) -> list[Channel]:
    """The channels of Apprise URLs that have spaces, or commas, between.

    Every recipient of an e-mail address is a channel: where one is refused, the others' mail is not repeated.
    Without URLs the log is the one channel, and once in a process the log says so.

    Raises:
        SettingError: Apprise cannot use an address.
    """
    found = [url for url in SEPARATORS.split(urls.strip().rstrip(",")) if url]
    if not found:
        _say_that_alerts_are_logged()
        return [LogChannel()]
    channels: dict[str, Channel] = {}
    for position, url in enumerate(found, 1):
        for channel in open_address(url, position):
            channels.setdefault(channel.name, channel)
    return list(channels.values())


class LogChannel:
    """Alerts as warnings of the log, a line each."""

    name = "log"

    def send(self, alert: Alert) -> None:
        """Log an alert."""
        details = "; ".join(line.strip() for line in alert.text.splitlines())
        logger.warning("%s (%s)", alert.subject, details)


@cache
def _say_that_alerts_are_logged() -> None:
    logger.warning("TAXI_ALERT_URLS is not set: alerts are only logged.")
