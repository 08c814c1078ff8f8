"""What a look for events gives, and which events alert."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from taxi_assets.alerting.alert import Alert
from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings

logger = logging.getLogger(__name__)

Place = TypeVar("Place")

LONGEST_VALUE = 500
"""Characters of a value or an error in an alert: a chat message should stay readable."""


@dataclass(frozen=True)
class Found:
    """The events of one look.

    Attributes:
        alerts: what was found; an event may be found again, with the same id.
        notes: where the next look begins, by the name of the look. To be stored together with the alerts.
    """

    alerts: list[Alert]
    notes: dict[str, str]


@dataclass(frozen=True)
class AlertFilter:
    """Which events alert.

    Attributes:
        assets: their names; None for all, those of other projects on the same instance too.
        severities: of failed checks, ERROR or WARN. A failed run alerts whatever they are.
    """

    assets: frozenset[str] | None
    severities: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "AlertFilter":
        """The filter that the settings describe.

        Raises:
            SettingError: TAXI_ALERT_ASSETS names an asset that does not exist, or none.
        """
        return cls(_named_assets(settings.alert_assets), frozenset(settings.alert_severities.split(",")))

    def takes(self, assets: Iterable[str]) -> bool:
        """Whether what happened to these assets alerts."""
        return self.assets is None or not self.assets.isdisjoint(assets)


def _named_assets(setting: str) -> frozenset[str] | None:
    if setting.strip() == "all":
        return None
    # The definitions hold the sensor that looks for events.
    from taxi_assets.defs.build import ASSETS

    known = [asset.key.to_user_string() for asset in ASSETS]
    names = frozenset(name.strip() for name in setting.split(",") if name.strip())
    if not names or not names <= set(known):
        raise SettingError(
            f"TAXI_ALERT_ASSETS={setting!r} does not name assets: it is all, or some of {', '.join(known)} "
            "with commas between."
        )
    return names


def read_note(notes: Mapping[str, str], name: str, read: Callable[[Any], Place]) -> Place | None:
    """Where the last look ended; None at the first, and where another version of this code left the note.

    A look that begins anew finds events again, which the outbox knows.
    """
    if name not in notes:
        return None
    try:
        return read(json.loads(notes[name]))
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("The note %s of the last look for events cannot be read (%s): looking anew.", name, error)
        return None


def one_line(text: str) -> str:
    """A text without line breaks, and cut where it is very long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1]}…"
