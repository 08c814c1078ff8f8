"""Whether a file is a whole month of trips."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.errors import TripFileError
from taxi_assets.trips.schema import SERVICES
from taxi_assets.trips.trip_file import read_trip_file
from taxi_assets_tests.conftest import ROWS
from taxi_assets_tests.trips.tables import green_trips

GREEN = SERVICES["green"]


@pytest.fixture
def whole(sample_folder: Path) -> Path:
    return sample_folder / "green_tripdata_2024-01.parquet"


def _refused(path: Path, message: str) -> None:
    with pytest.raises(TripFileError, match=message) as caught:
        read_trip_file(path, GREEN, "2024-01")
    assert path.name in str(caught.value)


def test_a_whole_file_is_read_with_its_schema_and_rows(whole: Path) -> None:
    content = read_trip_file(whole, GREEN, "2024-01")
    assert (content.rows, content.schema) == (ROWS, pq.read_schema(whole))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(whole: Path, tmp_path: Path, share: float) -> None:
    content = whole.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: int(share * len(content))])
    _refused(tmp_path / "cut.parquet", "is not a whole parquet file")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["truncated_1.parquet", "truncated_2.parquet"])
def test_a_real_download_that_was_cut_short_is_refused(real_data: Path, name: str) -> None:
    _refused(real_data / "broken" / name, "is not a whole parquet file")


@pytest.mark.real_data
@pytest.mark.parametrize("month", ["2023-01", "2023-02", "2023-03", "2024-01", "2024-02"])
def test_a_real_month_is_whole(real_data: Path, month: str) -> None:
    path = real_data / "green" / f"green_tripdata_{month}.parquet"
    content = read_trip_file(path, GREEN, month)
    assert content.rows == pq.read_metadata(path).num_rows
    assert content.rows_outside_month < content.rows / 100


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").touch()
    _refused(tmp_path / "empty.parquet", "0 bytes")


def test_a_file_without_trips_is_refused(tmp_path: Path) -> None:
    pq.write_table(green_trips([]), tmp_path / "none.parquet")
    _refused(tmp_path / "none.parquet", "has no trips")


@pytest.mark.parametrize("content", [b"x", b"PAR1", b"<html>Not found</html>", b"PAR1" + b"\xff" * 900 + b"PAR1"])
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "garbage.parquet").write_bytes(content)
    _refused(tmp_path / "garbage.parquet", "is not a whole parquet file")


@pytest.mark.parametrize("column", list(GREEN.columns().values()))
def test_a_column_whose_bytes_were_overwritten_is_refused(whole: Path, tmp_path: Path, column: str) -> None:
    row_group = pq.read_metadata(whole).row_group(0)
    chunks = [row_group.column(index) for index in range(row_group.num_columns)]
    (chunk,) = (chunk for chunk in chunks if chunk.path_in_schema == column)
    start, size = chunk.dictionary_page_offset or chunk.data_page_offset, chunk.total_compressed_size
    content = bytearray(whole.read_bytes())
    content[start + size // 4 : start + size] = b"\xff" * (size - size // 4)
    (tmp_path / "overwritten.parquet").write_bytes(content)
    _refused(tmp_path / "overwritten.parquet", "is not a whole parquet file")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pq.write_table(green_trips().drop_columns(["DOLocationID"]), tmp_path / "lacking.parquet")
    _refused(tmp_path / "lacking.parquet", "'DOLocationID' is missing")


def test_the_file_of_another_service_is_refused(whole: Path) -> None:
    with pytest.raises(TripFileError, match="'tpep_pickup_datetime' is missing"):
        read_trip_file(whole, SERVICES["yellow"], "2024-01")


def test_pickups_of_another_month_and_unknown_ones_are_counted(tmp_path: Path) -> None:
    inside = [datetime(2024, 1, 1), datetime(2024, 1, 31, 23, 59, 59, 999_999)]  # noqa: DTZ001
    outside = [datetime(2023, 12, 31, 23, 59, 59, 999_999), datetime(2024, 2, 1), None]  # noqa: DTZ001
    pickups = pa.array(inside + outside, pa.timestamp("us"))
    pq.write_table(green_trips([10] * 5, lpep_pickup_datetime=pickups), tmp_path / "strays.parquet")
    assert read_trip_file(tmp_path / "strays.parquet", GREEN, "2024-01").rows_outside_month == 3


def test_times_finer_than_a_microsecond_are_readable(tmp_path: Path) -> None:
    pickups = pa.array([1_704_412_800_000_000_001], pa.timestamp("ns"))
    pq.write_table(green_trips(lpep_pickup_datetime=pickups), tmp_path / "fine.parquet")
    assert read_trip_file(tmp_path / "fine.parquet", GREEN, "2024-01").rows_outside_month == 0
