"""`python -m taxi_assets_tests.alerting.deliver OUTBOX URL [POINT EVENT]`: delivers all, or is killed at an event."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from taxi_assets.alerting.alert import Alert
from taxi_assets.alerting.channels import Channel, open_channels
from taxi_assets.alerting.delivery import deliver
from taxi_assets.alerting.outbox import Outbox


class Killing:
    """A channel at which the process dies, right before or right after it sends an event."""

    def __init__(self, channel: Channel, point: str, event_id: str) -> None:
        self.name = channel.name
        self._channel = channel
        self._dies_at = (point, event_id)

    def send(self, alert: Alert) -> None:
        self._die_at(("before", alert.event_id))
        self._channel.send(alert)
        self._die_at(("after", alert.event_id))

    def _die_at(self, here: tuple[str, str]) -> None:
        if here == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    path, url, *kill = sys.argv[1:]
    channels = open_channels(url)
    if kill:
        channels = [Killing(channels[0], *kill)]
    outbox = Outbox(Path(path))
    while deliver(outbox, channels, now=lambda: datetime.now(UTC), seconds=10).waiting:
        time.sleep(0.01)  # another process has the channel
