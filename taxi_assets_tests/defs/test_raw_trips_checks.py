"""The checks of raw_trips, each on months that are whole in the store but bad."""

from collections.abc import Callable

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.storage.publish import FolderStore
from taxi_assets_tests.defs.running import ROWS, Resources, actual, expected, failures, republish, run_checks

KEY, PARTITION, FILE = "raw_trips/2024-02", "2024-02-01", "green_tripdata_2024-02.parquet"

Change = Callable[[pa.Table], pa.Table]


def check_changed(
    store: FolderStore, resources: Resources, change: Change, **facts: object
) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks on the month after its table was changed."""
    table = change(store.read(KEY, lambda folder, _: pq.read_table(folder / FILE)))
    facts = {"rows": table.num_rows} | facts
    republish(store, KEY, lambda folder: pq.write_table(table, folder / FILE), **facts)
    return run_checks(resources, "raw_trips", PARTITION)


def with_strays(count: int) -> Change:
    """Bring so many pickups to another month."""

    def change(table: pa.Table) -> pa.Table:
        position = table.schema.get_field_index("lpep_pickup_datetime")
        pickups = table.column(position).to_numpy().copy()
        pickups[:] = np.datetime64("2024-02-10T12:00:00")
        pickups[:count] = np.datetime64("2023-07-01T00:00:00")
        return table.set_column(position, "lpep_pickup_datetime", pa.array(pickups))

    return change


def test_a_month_without_a_column_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda table: table.drop_columns(["trip_distance"]))
    failed = failures(checks)
    assert failed["required_columns"] == failed["whole_file"] == "ERROR"
    assert expected(checks["required_columns"])["trip_distance"] == "number"
    assert "trip_distance" not in actual(checks["required_columns"])
    assert "'trip_distance' is missing" in actual(checks["whole_file"])
    assert checks["has_rows"].passed


def test_a_column_of_a_type_that_cannot_be_read_fails(filled_store: FolderStore, resources: Resources) -> None:
    def change(table: pa.Table) -> pa.Table:
        position = table.schema.get_field_index("PULocationID")
        return table.set_column(position, "PULocationID", table.column(position).cast(pa.string()))

    checks = check_changed(filled_store, resources, change)
    assert failures(checks)["required_columns"] == "ERROR"
    assert actual(checks["required_columns"])["PULocationID"] == "string"


def test_a_month_without_trips_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda table: table.slice(0, 0))
    assert failures(checks)["has_rows"] == "ERROR"
    assert (expected(checks["has_rows"]), actual(checks["has_rows"])) == ({"rows": "more than 0"}, {"rows": 0})
    assert not checks["whole_file"].passed


def test_a_file_with_other_rows_than_were_fetched_fails(filled_store: FolderStore, resources: Resources) -> None:
    checks = check_changed(filled_store, resources, lambda table: table.slice(1), rows=ROWS)
    assert failures(checks) == {"whole_file": "ERROR"}
    assert (expected(checks["whole_file"]), actual(checks["whole_file"])) == ({"rows": ROWS}, {"rows": ROWS - 1})


def test_a_file_that_is_no_parquet_fails_every_check_that_reads_it(
    filled_store: FolderStore, resources: Resources
) -> None:
    republish(filled_store, KEY, lambda folder: (folder / FILE).write_bytes(b"PAR1 is not enough PAR1"))
    checks = run_checks(resources, "raw_trips", PARTITION)
    assert set(failures(checks)) == {"whole_file", "required_columns", "has_rows", "pickups_in_month"}


@pytest.mark.parametrize(("strays", "passes"), [(0, True), (ROWS // 100, True), (ROWS // 100 + 1, False)])
def test_more_than_one_percent_of_strays_warns(
    strays: int, passes: bool, filled_store: FolderStore, resources: Resources
) -> None:
    checks = check_changed(filled_store, resources, with_strays(strays))
    assert failures(checks) == ({} if passes else {"pickups_in_month": "WARN"})
    assert expected(checks["pickups_in_month"]) == {"share_outside_month_at_most": 0.01}
    assert actual(checks["pickups_in_month"]) == {
        "share_outside_month": pytest.approx(strays / ROWS),
        "rows_outside_month": strays,
    }


@pytest.mark.parametrize(("factor", "passes"), [(0.4, False), (0.5, True), (2, True), (2.1, False), (10, False)])
def test_rows_far_from_those_of_the_month_before_warn(
    factor: float, passes: bool, filled_store: FolderStore, resources: Resources
) -> None:
    def resize(table: pa.Table) -> pa.Table:
        return table.take(np.arange(int(ROWS * factor)) % ROWS)

    checks = check_changed(filled_store, resources, resize)
    assert failures(checks) == ({} if passes else {"rows_near_trailing_median": "WARN"})
    assert expected(checks["rows_near_trailing_median"]) == {
        "rows_at_least": ROWS // 2,
        "rows_at_most": ROWS * 2,
        "median_rows": ROWS,
        "months_before": 1,
    }
    assert actual(checks["rows_near_trailing_median"]) == {"rows": int(ROWS * factor)}


def test_only_the_twelve_months_before_are_compared(filled_store: FolderStore, resources: Resources) -> None:
    months = [f"{year}-{month:02d}" for year in (2021, 2022, 2023) for month in range(1, 13)]
    for number, month in enumerate(months):
        with filled_store.draft(f"raw_trips/{month}") as draft:
            (draft.folder / "month").write_text(month)
            draft.facts["rows"] = ROWS if number >= len(months) - 11 else 1_000_000
    check = run_checks(resources, "raw_trips", PARTITION)["rows_near_trailing_median"]
    assert check.passed
    assert expected(check)["months_before"] == 12


def test_later_months_are_not_compared(filled_store: FolderStore, resources: Resources) -> None:
    republish(filled_store, KEY, rows=1_000_000)
    check = run_checks(resources, "raw_trips", "2024-01-01")["rows_near_trailing_median"]
    assert check.passed
    assert expected(check) == "no earlier month to compare with"
