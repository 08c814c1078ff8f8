"""Looking for sensors and schedules that fail."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, InstigatorType, TickStatus

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.events import Found, read_note
from taxi_assets.defs.links import ui_link
from taxi_assets.defs.run_failures import error_line

NOTE = "ticks"
FIRST_LOOK = timedelta(hours=24)
ABANDONED = timedelta(hours=1)
"""A tick that has been going on for longer will not end: the daemon was killed, and the sensor is off or gone."""

UNNAMED_REPOSITORY = "__repository__"
JUST_BEFORE = 0.001


@dataclass(frozen=True)
class _Place:
    """How far the ticks of a sensor or schedule were read.

    Attributes:
        at: of the last tick, seconds since 1970. It is read again: Dagster may try a failed tick again.
        streak: the first of the failed ticks in a row up to the last one; 0 if that did not fail.
    """

    at: float
    streak: int = 0


def tick_events(instance: dg.DagsterInstance, notes: Mapping[str, str], now: datetime, ui_url: str | None) -> Found:
    """Find the sensors and schedules that began to fail since the last look.

    Ticks that fail one after the other are one event, which ends with a tick that does not fail. The first look goes
    back `FIRST_LOOK`.

    Args:
        instance: whose ticks are read.
        notes: what the last look gave; empty for the first.
        now: UTC.
        ui_url: where Dagster's UI is, for links.
    """
    noted = read_note(notes, NOTE, _places) or {}
    places: dict[str, dict[str, float]] = {}
    alerts: list[Alert] = []
    # Dagster keeps the state of one that is on by default from its first tick on.
    for state in instance.all_instigator_state():
        place = noted.get(state.selector_id, _Place((now - FIRST_LOOK).timestamp()))
        firsts, place = _read(instance, state, place, now)
        places[state.selector_id] = asdict(place)
        alerts += [_alert(state, first, ui_url) for first in firsts]
    return Found(alerts, {NOTE: json.dumps(places, separators=(",", ":"))})


def _places(noted: Mapping[str, Mapping[str, Any]]) -> dict[str, _Place]:
    return {selector: _Place(**place) for selector, place in noted.items()}


def _read(
    instance: dg.DagsterInstance, state: InstigatorState, place: _Place, now: datetime
) -> tuple[list[InstigatorTick], _Place]:
    """The first ticks of the streaks that began, and how far was read."""
    newest_first = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=place.at - JUST_BEFORE)
    firsts = []
    at, streak = place.at, place.streak
    for tick in sorted(newest_first, key=lambda tick: (tick.timestamp, tick.tick_id)):
        if tick.status is TickStatus.STARTED and now.timestamp() - tick.timestamp < ABANDONED.total_seconds():
            break
        at = tick.timestamp
        if tick.status is TickStatus.FAILURE and not streak:
            streak = tick.tick_id
            firsts.append(tick)
        elif _ends_a_streak(tick):
            streak = 0
    return firsts, _Place(at, streak)


def _ends_a_streak(tick: InstigatorTick) -> bool:
    """Whether a tick went well: one that was broken off is marked as skipped later, but keeps its count of failures."""
    return tick.status in (TickStatus.SUCCESS, TickStatus.SKIPPED) and not tick.consecutive_failure_count


def _alert(state: InstigatorState, tick: InstigatorTick, ui_url: str | None) -> Alert:
    kind = "schedule" if state.instigator_type is InstigatorType.SCHEDULE else "sensor"
    repository = state.repository_selector
    since = datetime.fromtimestamp(tick.timestamp, UTC)
    details = {
        kind: state.name,
        "code location": repository.location_name,
        "error": error_line(tick.error) if tick.error is not None else "",
        "since": f"{since:%Y-%m-%d %H:%M:%S} UTC",
    }
    return Alert(
        f"tick:{state.selector_id}:{tick.tick_id}",
        "ERROR",
        f"{kind} {state.name} fails",
        details,
        since,
        ui_link(ui_url, f"locations/{_location_path(state)}/{kind}s/{quote(state.name, safe='')}"),
    )


def _location_path(state: InstigatorState) -> str:
    """A code location as Dagster's UI writes it in addresses."""
    selector = state.repository_selector
    location = quote(selector.location_name, safe="")
    named = selector.repository_name != UNNAMED_REPOSITORY
    return f"{selector.repository_name}@{location}" if named else location
