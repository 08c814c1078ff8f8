"""Real runs of small assets with checks, and looking for what alerts in them."""

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from taxi_assets.alerting.alert import Alert
from taxi_assets.defs.events import AlertFilter
from taxi_assets.defs.failures import clear_failures
from taxi_assets.defs.run_events import run_events

MONTHS = dg.StaticPartitionsDefinition(["2024-01-01", "2024-02-01"])
EVERYTHING = AlertFilter(None, frozenset({"ERROR", "WARN"}))
UI = "https://dagster.example/"


@dg.asset(partitions_def=MONTHS)
def trips() -> None: ...


@dg.asset(deps=[trips], partitions_def=MONTHS)
def after_trips() -> None: ...


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Specifying a partitions_def", dg.PreviewWarning)

    @dg.asset_check(asset=trips, partitions_def=MONTHS, blocking=True)
    def share_kept() -> dg.AssetCheckResult:
        metadata = {"expected": dg.MetadataValue.json({"at least": 0.5}), "actual": 0.25}
        return dg.AssetCheckResult(passed=False, metadata=metadata, description="Expected more.")


@dg.asset_check(asset=trips, blocking=True)
def rows_near_median() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="Few rows.\nVery few.")


@dg.asset_check(asset=trips)
def no_nulls() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def broken() -> None:
    raise ValueError("First line.\nSecond line.")


@dg.asset
def lucky() -> None: ...


@dg.asset
def interrupted() -> None:
    with clear_failures():
        raise dg.DagsterExecutionInterruptedError


@dg.asset(
    check_specs=[dg.AssetCheckSpec("drifting", asset="tried_again"), dg.AssetCheckSpec("same", asset="tried_again")]
)
def tried_again(context: dg.AssetExecutionContext) -> Any:
    attempt = context.retry_number
    yield dg.AssetCheckResult(check_name="same", passed=False, metadata={"expected": 1, "actual": 0})
    yield dg.AssetCheckResult(check_name="drifting", passed=False, metadata={"expected": 5, "actual": attempt})
    if attempt == 0:
        raise dg.RetryRequested(max_retries=1)
    yield dg.MaterializeResult()


TRIPS = [trips, after_trips, share_kept, rows_near_median, no_nulls]


def run(instance: dg.DagsterInstance, *assets: Any, **options: Any) -> dg.ExecuteInProcessResult:
    """Materialise assets with their checks in one run; it may fail."""
    loggers = dg.RunConfig(loggers={"console": {"config": {"log_level": "CRITICAL"}}})
    return dg.materialize(list(assets), instance=instance, raise_on_error=False, run_config=loggers, **options)


class Looks:
    """One look after the other, as the sensor takes them."""

    def __init__(self, instance: dg.DagsterInstance, alert_filter: AlertFilter = EVERYTHING) -> None:
        self.instance = instance
        self.alert_filter = alert_filter
        self.notes: dict[str, str] = {}

    def look(self) -> list[Alert]:
        """What is found now."""
        found = run_events(self.instance, self.notes, datetime.now(UTC), self.alert_filter, UI)
        self.notes.update(found.notes)
        return found.alerts


def titles(alerts: list[Alert]) -> list[str]:
    return [alert.subject for alert in alerts]


def ids(alerts: list[Alert]) -> list[str]:
    return [alert.event_id for alert in alerts]


def without(details: Mapping[str, str], *labels: str) -> dict[str, str]:
    return {label: value for label, value in details.items() if label not in labels}
