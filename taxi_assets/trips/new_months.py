"""Which months of a source are to be taken, and when a month that failed is to be tried again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True)
class Attempts:
    """What became of the attempts to take one version of a month.

    Attributes:
        made: how many there were.
        last: the id of the last one's run; None where there was none.
        last_ended: when the last of them ended (UTC); None where none has.
        in_progress: whether one is waiting or under way.
        passing: whether the last one failed on a fault that can pass.
    """

    made: int
    last: str | None
    last_ended: datetime | None
    in_progress: bool
    passing: bool


def first_look(published: Mapping[str, str], known: Collection[str], newest: int) -> set[str]:
    """The months that are not to be taken although the source has them: its history, at the first look.

    Args:
        published: month → fingerprint of what the source has. Months that are still being written belong to it:
            a month that is left out here counts as new when it is seen later.
        known: months that were ingested already.
        newest: how many months, the newest ones, are taken all the same.
    """
    return set(sorted(published)[: max(len(published) - newest, 0)]) - set(known)


def wanted_months(published: Mapping[str, str], stored: Mapping[str, str], ignored: Collection[str]) -> list[str]:
    """The months to take, in order: those whose published version is not the stored one.

    Args:
        published: month → fingerprint of what the source has.
        stored: month → fingerprint of what is ingested and cleaned.
        ignored: months that are not to be taken (see `first_look`), unless one of them is stored.
    """
    return [
        month
        for month in sorted(published)
        if stored.get(month) != published[month] and (month in stored or month not in ignored)
    ]


def next_attempt(attempts: Attempts, now: datetime) -> datetime | None:
    """The earliest time to try a version of a month (again); never before now. None: not again, or not now.

    The first attempt comes at once; after a fault that can pass, the pauses grow: 1, 2, 4 … minutes, at most 6 hours.
    """
    if attempts.in_progress or (attempts.made > 0 and not attempts.passing):
        return None
    if attempts.last_ended is None:
        return now
    # Two to the power of a hundred attempts is no time that Python can hold.
    doublings = min(attempts.made - 1, 10)
    pause: timedelta = min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
    return max(now, attempts.last_ended + pause)
