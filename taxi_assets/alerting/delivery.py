"""Sending what is in the outbox."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from filelock import Timeout

from taxi_assets.alerting.channel import Channel, ChannelError
from taxi_assets.alerting.outbox import Backlog, Outbox, Waiting

logger = logging.getLogger("taxi_assets.alerting")

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)

FAILURES_OF_A_CHANNEL = 3
"""After so many failures in a row it is the channel that is taken to fail, and not the alerts."""


@dataclass(frozen=True)
class Pass:
    """What one pass came to for a channel.

    Attributes:
        sent: alerts that it took.
        failed: alerts that it did not take.
        waiting: alerts that are still to be sent.
        reason: why it did not take the last alert that was tried; nothing if it took it.
    """

    sent: int
    failed: int
    waiting: int
    reason: str | None


@dataclass(frozen=True)
class Delivery:
    """What one pass came to.

    Attributes:
        channels: by the name of the channel.
        dropped: deliveries given up, for their channel is not set up any more and none is newer.
    """

    channels: Mapping[str, Pass]
    dropped: int

    @property
    def sent(self) -> int:
        """Messages that were sent."""
        return sum(channel.sent for channel in self.channels.values())

    @property
    def waiting(self) -> int:
        """Messages that are still to be sent."""
        return sum(channel.waiting for channel in self.channels.values())


def deliver(outbox: Outbox, channels: Sequence[Channel], *, now: Callable[[], datetime], seconds: float) -> Delivery:
    """Send what is due, to all channels at once; what another process is sending is left to it.

    A channel that fails is left alone for a pause that grows from 30 seconds to an hour; so is an alert that a
    channel refuses while it takes others.

    Args:
        outbox: what to send.
        channels: where to. What waits for others goes to those that are newer (see `Outbox.hand_over`).
        now: the time (with its time zone), for pauses.
        seconds: after which no send is started any more. The last ones may take longer.

    Raises:
        SettingError: the outbox is damaged or cannot be written.
    """
    deadline = time.monotonic() + seconds
    names = [channel.name for channel in channels]
    if dropped := outbox.hand_over(names):
        logger.warning(
            "%d alerts were waiting for channels that TAXI_ALERT_URLS does not name any more: they are dropped.",
            dropped,
        )
    with ThreadPoolExecutor(max_workers=len(channels) or 1, thread_name_prefix="alerts") as threads:
        futures = [threads.submit(_deliver_to, channel, outbox, now, deadline) for channel in channels]
    tries = [future.result() for future in futures]
    backlog = outbox.backlog()
    passes = {}
    for name, tried in zip(names, tries, strict=True):
        left = backlog.get(name, Backlog(0, 0, None))
        passes[name] = Pass(tried.sent, tried.failed, left.waiting, left.reason)
        if tried.failed:
            logger.warning("%s Alerts that wait to be tried again: %d.", tried.last_failure, left.waiting)
    return Delivery(passes, dropped)


@dataclass
class _Tries:
    sent: int = 0
    failed: int = 0
    last_failure: str = ""


def _deliver_to(channel: Channel, outbox: Outbox, now: Callable[[], datetime], deadline: float) -> _Tries:
    tries = _Tries()
    try:
        with outbox.delivery_lock(channel.name), outbox.kept_open():
            while time.monotonic() < deadline and (waiting := outbox.next_due(channel.name, now())) is not None:
                try:
                    channel.send(waiting.alert)
                except ChannelError as error:
                    _put_off(outbox, waiting, str(error), now())
                    tries.failed += 1
                    tries.last_failure = str(error)
                else:
                    outbox.mark_sent(waiting, now())
                    tries.sent += 1
    except Timeout:
        pass  # another process delivers to this channel
    return tries


def _put_off(outbox: Outbox, waiting: Waiting, reason: str, now: datetime) -> None:
    in_a_row = waiting.failures_in_a_row + 1
    channel_fails = in_a_row >= FAILURES_OF_A_CHANNEL
    outbox.mark_failed(
        waiting,
        reason,
        due=now + _pause(waiting.failures + 1),
        channel_due=now + _pause(in_a_row - FAILURES_OF_A_CHANNEL + 1) if channel_fails else None,
    )


def _pause(failures: int) -> timedelta:
    """After so many failures: 30 seconds, a minute, two, four … to an hour."""
    return min(FIRST_PAUSE * (1 << min(failures - 1, 16)), LONGEST_PAUSE)
