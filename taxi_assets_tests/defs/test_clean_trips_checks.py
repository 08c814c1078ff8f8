"""The checks of clean_trips, each on months that are whole in the store but bad."""

from collections.abc import Callable

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.storage.publish import FolderStore
from taxi_assets.trips.cleaning import CLEAN_SCHEMA
from taxi_assets_tests.defs.running import Resources, actual, expected, failures, republish, run_checks

KEY, PARTITION, FILE = "clean_trips/2024-02", "2024-02-01", "trips.parquet"

Change = Callable[[pa.Table], pa.Table]


def check_changed(
    store: FolderStore, resources: Resources, change: Change, **facts: object
) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks on the month after its table was changed."""
    table = change(store.read(KEY, lambda folder, _: pq.read_table(folder / FILE)))
    republish(store, KEY, lambda folder: pq.write_table(table, folder / FILE), **facts)
    return run_checks(resources, "clean_trips", PARTITION)


def with_value(column: str, value: object) -> Change:
    """Replace the third value of a column."""

    def change(table: pa.Table) -> pa.Table:
        field = table.schema.field(column)
        values = table.column(column).to_pylist()
        values[2] = value
        return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))

    return change


def with_type(column: str, type_: pa.DataType) -> Change:
    def change(table: pa.Table) -> pa.Table:
        position = table.schema.get_field_index(column)
        return table.set_column(position, column, table.column(column).cast(type_))

    return change


@pytest.mark.parametrize("column", CLEAN_SCHEMA.names)
def test_a_null_fails(column: str, filled_store: FolderStore, resources: Resources) -> None:
    check = check_changed(filled_store, resources, with_value(column, None))["no_missing_values"]
    assert (check.passed, check.severity.value) == (False, "ERROR")
    assert expected(check) == dict.fromkeys(CLEAN_SCHEMA.names, 0)
    assert actual(check) == dict.fromkeys(CLEAN_SCHEMA.names, 0) | {column: 1}


@pytest.mark.parametrize("column", ["trip_distance", "duration"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_fails(
    column: str, value: float, filled_store: FolderStore, resources: Resources
) -> None:
    check = check_changed(filled_store, resources, with_value(column, value))["no_missing_values"]
    assert not check.passed
    assert actual(check)[column] == 1


@pytest.mark.parametrize(
    ("minutes", "passes"), [(0.99, False), (1.0, True), (60.0, True), (60.01, False), (61.0, False)]
)
def test_a_duration_out_of_range_fails(
    minutes: float, passes: bool, filled_store: FolderStore, resources: Resources
) -> None:
    checks = check_changed(filled_store, resources, with_value("duration", minutes))
    assert failures(checks) == ({} if passes else {"durations_in_range": "ERROR"})
    check = checks["durations_in_range"]
    assert expected(check) == {"least": 1.0, "most": 60.0}
    assert minutes in actual(check).values() or passes


def test_any_duration_passes_where_extreme_ones_are_included(filled_store: FolderStore, resources: Resources) -> None:
    change = with_value("duration", 1_000.0)
    checks = check_changed(filled_store, resources, change, include_extreme_durations=True)
    assert failures(checks) == {}
    assert "include_extreme_durations" in expected(checks["durations_in_range"])
    assert actual(checks["durations_in_range"])["most"] == 1_000.0


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["PU_DO"]),
        lambda table: table.select(list(reversed(table.column_names))),
        lambda table: table.append_column("tip", table["duration"]),
        lambda table: table.rename_columns({"PU_DO": "pu_do"}),
        with_type("trip_distance", pa.float32()),
        with_type("pickup_datetime", pa.timestamp("ms")),
    ],
    ids=["column missing", "columns in another order", "column too many", "column renamed", "float32", "milliseconds"],
)
def test_another_schema_fails(change: Change, filled_store: FolderStore, resources: Resources) -> None:
    check = check_changed(filled_store, resources, change)["schema"]
    assert (check.passed, check.severity.value) == (False, "ERROR")
    assert set(expected(check)) == set(CLEAN_SCHEMA.names)
    table = filled_store.read(KEY, lambda folder, _: pq.read_schema(folder / FILE))
    assert actual(check) == {field.name: str(field.type) for field in table}


def test_a_month_without_durations_fails_every_check_that_needs_them(
    filled_store: FolderStore, resources: Resources
) -> None:
    checks = check_changed(filled_store, resources, lambda table: table.drop_columns(["duration"]))
    assert failures(checks) == {"schema": "ERROR", "durations_in_range": "ERROR"}


@pytest.mark.parametrize(
    ("share", "severity"), [(1.0, None), (0.8, None), (0.7, "WARN"), (0.5, "WARN"), (0.4, "ERROR"), (0.001, "ERROR")]
)
def test_the_share_kept_warns_under_80_percent_and_fails_under_50(
    share: float, severity: str | None, filled_store: FolderStore, resources: Resources
) -> None:
    def keep(table: pa.Table) -> pa.Table:
        return table.slice(0, round(1_000 * share))

    checks = check_changed(filled_store, resources, keep, raw_rows=1_000)
    assert failures(checks) == ({"share_kept": severity} if severity else {})
    assert expected(checks["share_kept"]) == {"share_kept_at_least": 0.8, "blocks_below": 0.5}
    assert actual(checks["share_kept"]) == {"share_kept": pytest.approx(share)}


def test_a_month_of_which_nothing_was_kept_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda table: table.slice(0, 0))
    assert failures(checks) == {"durations_in_range": "ERROR", "share_kept": "ERROR"}
    assert actual(checks["share_kept"]) == {"share_kept": 0.0}
