"""What the sensor `new_trip_data` knows from one look to the next."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from taxi_assets.errors import SettingError


@dataclass
class Cursor:
    """What the sensor knows.

    Attributes:
        first_month: the earliest month that it has looked for.
        ignored: months that were there at the first look and are not taken.
        taken: the fingerprints of months that are ingested.
        seen: when a version of a month, `[fingerprint, time]`, was seen first.
    """

    first_month: str
    ignored: set[str] = field(default_factory=set)
    taken: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, first_month: str) -> "Cursor":
        """The cursor that a text stands for.

        Args:
            text: what `text` gave.
            first_month: that of a text which does not tell it, as an earlier version of this project wrote it.

        Raises:
            SettingError: it stands for none.
        """
        try:
            stored = json.loads(text)
            seen = {month: (fingerprint, at) for month, (fingerprint, at) in stored["seen"].items()}
            return cls(stored.get("first_month", first_month), set(stored["ignored"]), stored["taken"], seen)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingError(
                f"The cursor of new_trip_data cannot be read ({error}): reset it on the sensor's page in Dagster's UI."
            ) from error

    def text(self) -> str:
        """The text that stands for it."""
        return json.dumps({**vars(self), "ignored": sorted(self.ignored)}, sort_keys=True)

    def reach_back(self, first_month: str, history: Iterable[str]) -> None:
        """Ignore months of before the first one, too: `history`, now that the first one is an earlier one."""
        self.ignored.update(history)
        self.first_month = first_month

    def take(self, taken: Mapping[str, str]) -> None:
        """Note what is ingested. It is followed from now on, also while a correction of it is half done."""
        self.taken = dict(taken)
        self.ignored -= taken.keys()

    def see(self, published: Mapping[str, str], now: datetime) -> None:
        """Note the versions that are published now."""
        for month, fingerprint in published.items():
            if month not in self.ignored and self.seen.get(month, ("", ""))[0] != fingerprint:
                self.seen[month] = (fingerprint, now.isoformat())
