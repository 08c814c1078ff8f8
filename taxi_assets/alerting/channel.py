"""What a channel is: a place that alerts go to."""

from typing import Protocol

from taxi_assets.alerting.alert import Alert
from taxi_assets.errors import TaxiError


class ChannelError(TaxiError):
    """A channel did not take an alert. Trying again later can help. The message holds no secret."""


class Channel(Protocol):
    """A place that alerts go to."""

    @property
    def name(self) -> str:
        """Without secrets, and the same for as long as the address, but for its password, is."""

    def send(self, alert: Alert) -> None:
        """Send an alert.

        Raises:
            ChannelError: it was not taken, or nobody knows whether it was.
        """
