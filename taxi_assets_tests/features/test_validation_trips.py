"""The validation trips of a training set, kept raw, and which of them a model has seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.errors import SettingError, StoredError
from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.features.split import split_rows
from taxi_assets.features.validation_trips import FILE, MONTH, ValidationTrips
from taxi_assets.features.window import store_training_set
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.trips import clean_trips
from taxi_assets.trips.clean_month import FILE as CLEAN_FILE
from taxi_assets_tests.trips.tables import green_trips

DAYS = {
    "2024-01": ["2024-01-03", "2024-01-17", "2024-01-31", "2024-02-02", "2023-12-30"],
    "2024-02": ["2024-02-01", "2024-02-10", "2024-02-20", "2024-01-20", "2024-03-02"],
    "2024-03": ["2024-03-01", "2024-03-12", "2024-03-28", "2024-02-25", "2008-12-31"],
}
"""Pickups in the file of each month; the last two of each are strays of other months."""

FIRST_TWO, LAST_TWO = ["2024-01", "2024-02"], ["2024-02", "2024-03"]

Trip = tuple[str, datetime]


def month_of_trips(month: str) -> pa.Table:
    """Clean trips with these pickups, the n-th of n miles and to another zone."""
    pickups = [datetime.fromisoformat(day) for day in DAYS[month]]
    numbers = range(1, len(pickups) + 1)
    return clean_trips(
        green_trips(
            [10.0 + number for number in numbers],
            lpep_pickup_datetime=pa.array(pickups, pa.timestamp("us")),
            lpep_dropoff_datetime=pa.array([pickup + timedelta(minutes=10) for pickup in pickups], pa.timestamp("us")),
            DOLocationID=pa.array([100 + number for number in numbers], pa.int32()),
            trip_distance=pa.array([float(number) for number in numbers]),
        )
    )


def facts_of(months: Sequence[str], value: str, feature: str = "pickup_datetime") -> dict[str, Any]:
    return {"months": list(months), "split_on_feature": feature, "split_on_feature_value": value}


def training_rows(facts: Mapping[str, Any]) -> tuple[list[pa.Table], npt.NDArray[np.bool_]]:
    tables = [month_of_trips(month) for month in facts["months"]]
    value = facts["split_on_feature_value"]
    return tables, split_rows(pa.concat_tables(tables), facts["split_on_feature"], value)


def validation_of(facts: Mapping[str, Any]) -> ValidationTrips:
    tables, training = training_rows(facts)
    return ValidationTrips.of(tables, facts["months"], training)


def trips_in(validation: ValidationTrips) -> list[Trip]:
    return list(zip(validation.months.to_pylist(), validation.trips["pickup_datetime"].to_pylist(), strict=True))


def seen_of(validation: ValidationTrips, unseen: npt.NDArray[np.bool_]) -> list[Trip]:
    return [trip for trip, new in zip(trips_in(validation), unseen, strict=True) if not new]


def all_of_window(facts: Mapping[str, Any]) -> list[Trip]:
    return [(month, datetime.fromisoformat(day)) for month in facts["months"] for day in DAYS[month]]


def trained_on(facts: Mapping[str, Any]) -> list[Trip]:
    _, training = training_rows(facts)
    return [trip for trip, trains in zip(all_of_window(facts), training, strict=True) if trains]


WINDOW = facts_of(FIRST_TWO, "2024-02-01")

OTHERS = {
    "the same window": WINDOW,
    "the next window": facts_of(LAST_TWO, "2024-03-01"),
    "another split": facts_of(FIRST_TWO, "2024-02-15"),
    "the next window with another split": facts_of(LAST_TWO, "2024-02-20"),
    "another column": facts_of(FIRST_TWO, "3", "trip_distance"),
    "a column of strings": facts_of(LAST_TWO, "104", "DOLocationID"),
    "a window that shares no month": facts_of(["2024-03"], "2024-03-10"),
    "the months the other way round": facts_of(["2024-02", "2024-01"], "2024-02-01"),
}


@pytest.fixture
def validation() -> ValidationTrips:
    return validation_of(WINDOW)


@pytest.fixture(scope="session")
def sample_validation(sample_trips: pa.Table) -> ValidationTrips:
    """Those of the small synthetic months."""
    half = len(sample_trips) // 2
    tables = [clean_trips(sample_trips.slice(0, half)), clean_trips(sample_trips.slice(half))]
    return ValidationTrips.of(
        tables, FIRST_TWO, split_rows(pa.concat_tables(tables), "pickup_datetime", WINDOW["split_on_feature_value"])
    )


def test_encoding_the_trips_gives_the_validation_matrix(
    sample_validation: ValidationTrips, sample_set: TrainingSet
) -> None:
    encoded = sample_set.encoder.transform(sample_validation.trips)
    assert encoded.shape == sample_set.X_val.shape
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(encoded, part), getattr(sample_set.X_val, part))


def test_the_durations_of_the_trips_are_the_validation_targets(
    sample_validation: ValidationTrips, sample_set: TrainingSet
) -> None:
    np.testing.assert_array_equal(sample_validation.trips["duration"].to_numpy(), sample_set.y_val)


def test_the_month_is_that_of_the_file_also_where_the_pickup_is_of_another(validation: ValidationTrips) -> None:
    assert [(month, f"{pickup:%Y-%m-%d}") for month, pickup in trips_in(validation)] == [
        ("2024-01", "2024-02-02"),
        ("2024-02", "2024-02-01"),
        ("2024-02", "2024-02-10"),
        ("2024-02", "2024-02-20"),
        ("2024-02", "2024-03-02"),
    ]


def test_months_follow_the_trips_where_the_newer_comes_first() -> None:
    facts = facts_of(["2024-02", "2024-01"], "2024-02-01")
    assert [month for month, _ in trips_in(validation_of(facts))] == ["2024-02"] * 4 + ["2024-01"]


def test_months_follow_the_trips_of_a_split_on_another_column() -> None:
    facts = facts_of(FIRST_TWO, "4", "trip_distance")
    assert trips_in(validation_of(facts)) == [
        (month, datetime.fromisoformat(day)) for month in FIRST_TWO for day in DAYS[month][3:]
    ]


@pytest.mark.parametrize("facts", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("judged", OTHERS.values(), ids=OTHERS)
def test_the_training_fit_of_another_set_has_not_seen_exactly_the_trips_that_it_was_not_fitted_on(
    judged: dict[str, Any], facts: dict[str, Any]
) -> None:
    validation, seen = validation_of(judged), trained_on(facts)
    assert validation.unseen_by_training_fit(facts).tolist() == [trip not in seen for trip in trips_in(validation)]


@pytest.mark.parametrize("facts", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("judged", OTHERS.values(), ids=OTHERS)
def test_the_final_fit_of_another_set_has_not_seen_exactly_the_trips_of_other_months(
    judged: dict[str, Any], facts: dict[str, Any]
) -> None:
    validation, seen = validation_of(judged), all_of_window(facts)
    assert validation.unseen_by_final_fit(facts).tolist() == [trip not in seen for trip in trips_in(validation)]


def test_in_its_own_window_the_training_fit_has_seen_none_and_the_final_fit_all(validation: ValidationTrips) -> None:
    assert validation.unseen_by_training_fit(WINDOW).all()
    assert not validation.unseen_by_final_fit(WINDOW).any()


def test_in_the_next_window_the_final_fit_has_seen_none_but_the_strays_of_its_own_months() -> None:
    newer = validation_of(facts_of(LAST_TWO, "2024-03-01"))
    assert seen_of(newer, newer.unseen_by_final_fit(WINDOW)) == [("2024-02", datetime.fromisoformat("2024-03-02"))]


def test_a_training_fit_of_the_next_window_has_seen_the_trips_of_the_shared_month(validation: ValidationTrips) -> None:
    seen = seen_of(validation, validation.unseen_by_training_fit(facts_of(LAST_TWO, "2024-03-01")))
    assert seen == [("2024-02", datetime.fromisoformat(day)) for day in ("2024-02-01", "2024-02-10", "2024-02-20")]


def test_a_split_on_a_column_that_these_trips_lack_is_refused_by_name(validation: ValidationTrips) -> None:
    with pytest.raises(SettingError, match="'weather'"):
        validation.unseen_by_training_fit(facts_of(FIRST_TWO, "1", "weather"))


@pytest.mark.parametrize("judged", OTHERS.values(), ids=OTHERS)
def test_loaded_trips_equal_the_saved_ones(judged: dict[str, Any], tmp_path: Path) -> None:
    saved = validation_of(judged)
    saved.save(tmp_path)
    loaded = ValidationTrips.load(tmp_path)
    assert loaded.trips.equals(saved.trips)
    assert loaded.months.equals(saved.months)


def test_loaded_trips_have_been_seen_as_the_saved_ones(validation: ValidationTrips, tmp_path: Path) -> None:
    validation.save(tmp_path)
    loaded, newer = ValidationTrips.load(tmp_path), OTHERS["the next window with another split"]
    assert loaded.unseen_by_final_fit(newer).tolist() == validation.unseen_by_final_fit(newer).tolist()
    assert loaded.unseen_by_training_fit(newer).tolist() == validation.unseen_by_training_fit(newer).tolist()


def test_loaded_and_rechunked_trips_give_equal_bytes_again(sample_validation: ValidationTrips, tmp_path: Path) -> None:
    sample_validation.save(tmp_path)
    first, trips = (tmp_path / FILE).read_bytes(), sample_validation.trips
    rechunked = pa.concat_tables(trips.slice(start, 700) for start in range(0, len(trips), 700))
    for again in (ValidationTrips.load(tmp_path), ValidationTrips(rechunked, sample_validation.months)):
        again.save(tmp_path)
        assert (tmp_path / FILE).read_bytes() == first


def test_other_trips_give_other_bytes(validation: ValidationTrips, tmp_path: Path) -> None:
    validation.save(tmp_path)
    first = (tmp_path / FILE).read_bytes()
    validation_of(OTHERS["another split"]).save(tmp_path)
    assert (tmp_path / FILE).read_bytes() != first


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_a_truncated_file_is_refused_by_name(keep: int, validation: ValidationTrips, tmp_path: Path) -> None:
    validation.save(tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:keep])
    with pytest.raises(StoredError, match=FILE):
        ValidationTrips.load(tmp_path)


def test_a_file_with_a_damaged_column_is_refused_by_name(sample_validation: ValidationTrips, tmp_path: Path) -> None:
    sample_validation.save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:4] + b"\xff" * 40 + whole[44:])
    with pytest.raises(StoredError, match=FILE):
        ValidationTrips.load(tmp_path)


@pytest.mark.parametrize("column", ["pickup_datetime", "trip_distance", "duration", MONTH])
def test_a_file_without_a_column_is_refused_and_the_column_named(
    column: str, validation: ValidationTrips, tmp_path: Path
) -> None:
    validation.save(tmp_path)
    pq.write_table(pq.read_table(tmp_path / FILE).drop_columns([column]), tmp_path / FILE)
    with pytest.raises(StoredError, match=f"{FILE} .*{column}"):
        ValidationTrips.load(tmp_path)


@pytest.mark.parametrize("values", [["x"], [["list"]]])
def test_a_column_of_another_type_is_refused(values: list[Any], validation: ValidationTrips, tmp_path: Path) -> None:
    validation.save(tmp_path)
    table = pq.read_table(tmp_path / FILE)
    pq.write_table(table.set_column(0, "pickup_datetime", pa.array(values * len(table))), tmp_path / FILE)
    with pytest.raises(StoredError, match=FILE):
        ValidationTrips.load(tmp_path)


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=FILE):
        ValidationTrips.load(tmp_path)


def test_the_training_set_of_a_window_is_stored_with_its_validation_trips(store: FolderStore) -> None:
    for month in FIRST_TWO:
        with store.draft(locations.clean_trips(month)) as draft:
            pq.write_table(month_of_trips(month), draft.folder / CLEAN_FILE)
            draft.facts.update(service="green", synthetic=True, raw_sha256=month, include_extreme_durations=False)
    store_training_set(store, FIRST_TWO)
    data, stored = store.read_verified(
        locations.TRAINING_SET, lambda folder, _: (TrainingSet.load(folder), ValidationTrips.load(folder))
    )
    assert trips_in(stored) == trips_in(validation_of(WINDOW))
    assert (data.encoder.transform(stored.trips) != data.X_val).nnz == 0


@pytest.mark.real_data
def test_the_validation_trips_of_real_months_are_those_of_the_training_set(real_data: Path, tmp_path: Path) -> None:
    tables = [
        clean_trips(pq.read_table(real_data / "green" / f"green_tripdata_{month}.parquet")) for month in FIRST_TWO
    ]
    trips = pa.concat_tables(tables)
    data = build_training_set(trips)
    ValidationTrips.of(tables, FIRST_TWO, split_rows(trips, "pickup_datetime", "2024-02-01")).save(tmp_path)
    loaded = ValidationTrips.load(tmp_path)
    assert len(loaded.trips) == 51_492
    assert (data.encoder.transform(loaded.trips) != data.X_val).nnz == 0
    np.testing.assert_array_equal(loaded.trips["duration"].to_numpy(), data.y_val)
