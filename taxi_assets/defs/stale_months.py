"""Months that the source has had for long, and the champion has not seen."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import dagster as dg

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.links import ui_link
from taxi_assets.defs.made_of import CHAMPION_MODEL, CLEAN_TRIPS, data_version, last_metadata
from taxi_assets.defs.partitions import partition_of

TRAINED_ON = "trained_on"
"""The champion's metadata: the clean months, with their data versions, that the models it was chosen of saw."""


REMEDY = (
    "the runs of this month, the training set and the models tell what failed; `taxi run` trains on the newest months"
)


def stale_months(
    instance: dg.DagsterInstance,
    seen: Mapping[str, tuple[str, str]],
    taken: Mapping[str, str],
    now: datetime,
    hours: float,
    ui_url: str | None = None,
) -> list[Alert]:
    """An alert for each version of a month that is too old a sight.

    Args:
        instance: whose champion it is.
        seen: month → fingerprint, and when the source was first seen to have it (ISO, UTC).
        taken: month → fingerprint of what is ingested.
        now: UTC.
        hours: how long the champion may not know a month.
        ui_url: where Dagster's UI is, for links.
    """
    trained_on: Mapping[str, str] = json.loads(last_metadata(instance, CHAMPION_MODEL, TRAINED_ON) or "{}")
    alerts = []
    for month, (fingerprint, at) in seen.items():
        since = datetime.fromisoformat(at)
        if now - since < timedelta(hours=hours):
            continue
        is_taken = taken.get(month) == fingerprint
        if is_taken and _knows(instance, trained_on, month):
            continue
        details = {
            "asset": CHAMPION_MODEL.to_user_string(),
            "month": month,
            "at the source since": f"{since:%Y-%m-%d %H:%M:%S} UTC",
            "ingested": "yes" if is_taken else "no: see the runs of raw_trips and clean_trips of this month",
            "champion was chosen on": ", ".join(trained_on) or "nothing: there is none",
            "expected": f"a champion chosen with this month within {hours:g} hours",
            "remedy": REMEDY,
        }
        alerts.append(
            Alert(
                f"stale:{month}:{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}",
                "ERROR",
                f"the champion has not seen {month}, which the source has had for over {hours:g} hours",
                details,
                now,
                ui_link(ui_url, f"assets/{CHAMPION_MODEL.to_user_string()}"),
            )
        )
    return alerts


def _knows(instance: dg.DagsterInstance, trained_on: Mapping[str, str], month: str) -> bool:
    """Whether the champion was chosen with a month as it is now; one that is older than its window need not be in."""
    if month in trained_on:
        return trained_on[month] == data_version(instance, CLEAN_TRIPS, partition_of(month))
    return bool(trained_on) and month < min(trained_on)
