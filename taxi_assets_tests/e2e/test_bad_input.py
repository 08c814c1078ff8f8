"""Bad input through the command: one clear line, an exit code, and what was stored before as it was."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from taxi_assets.settings import PROJECT_ROOT
from taxi_assets_tests.e2e.conftest import Run, digests, only_json

pytestmark = pytest.mark.slow

QUICK = ("--models", "LinearRegression")


@pytest.fixture
def source(sample_folder: Path, tmp_path: Path) -> Path:
    """A source folder of the test's own, with the months 2024-01 and 2024-02."""
    folder = tmp_path / "source"
    shutil.copytree(sample_folder, folder)
    return folder


def trip_file(source: Path, month: str) -> Path:
    return source / f"green_tripdata_{month}.parquet"


def errors(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("error:")]


def test_a_truncated_month_is_refused_and_what_was_stored_stays(taxi: Run, home: Path, source: Path) -> None:
    assert taxi("run", *QUICK, TAXI_TRIPS_URI=str(source)).returncode == 0
    before = digests(home)
    path = trip_file(source, "2024-02")
    path.write_bytes(path.read_bytes()[:20_000])
    result = taxi("run", *QUICK, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    (error,) = errors(result.stderr)
    assert "green_tripdata_2024-02.parquet is not a whole parquet file (20,000 bytes)" in error
    assert "Traceback" not in result.stderr
    assert digests(home) == before


@pytest.mark.real_data
def test_a_real_broken_download_is_refused(taxi: Run, source: Path, real_data: Path) -> None:
    shutil.copy(real_data / "broken" / "truncated_1.parquet", trip_file(source, "2024-02"))
    result = taxi("run", *QUICK, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert "is not a whole parquet file" in result.stderr


def test_a_missing_month_does_not_stop_the_others_but_the_training(taxi: Run, home: Path, source: Path) -> None:
    result = taxi("run", "--json", "--months", "2024-01:2024-03", TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    (error,) = errors(result.stderr)
    assert "2024-03: there is no green file at" in error
    assert "TAXI_TRIPS_URI" in error
    summary = only_json(result)
    assert summary["models"] == []
    assert summary["champion"] is None
    assert len(summary["errors"]) == 1
    stored = {key.rpartition("/")[0] for key in digests(home) if key.endswith("current.json")}
    assert stored == {
        "source",
        *(f"{asset}/{month}" for asset in ("raw_trips", "clean_trips") for month in ("2024-01", "2024-02")),
    }


def test_a_missing_column_is_named(taxi: Run, source: Path) -> None:
    path = trip_file(source, "2024-01")
    pq.write_table(pq.read_table(path).drop_columns("trip_distance"), path)
    result = taxi("run", *QUICK, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert "column 'trip_distance' is missing" in errors(result.stderr)[0]


def test_an_unreadable_column_is_named(taxi: Run, source: Path) -> None:
    path = trip_file(source, "2024-01")
    table = pq.read_table(path)
    index = table.schema.get_field_index("PULocationID")
    pq.write_table(table.set_column(index, "PULocationID", table["PULocationID"].cast("string")), path)
    result = taxi("run", *QUICK, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert "column 'PULocationID' is string, not a number" in errors(result.stderr)[0]


def test_empty_files_are_refused(taxi: Run, source: Path) -> None:
    trip_file(source, "2024-01").write_bytes(b"")
    path = trip_file(source, "2024-02")
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    result = taxi("run", *QUICK, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert len(errors(result.stderr)) == 2
    assert "green_tripdata_2024-01.parquet is empty (0 bytes)" in result.stderr
    assert "green_tripdata_2024-02.parquet has no trips" in result.stderr


@pytest.mark.parametrize("split", ["2020-01-01", "2030-01-01"])
def test_a_split_that_leaves_a_side_empty_keeps_the_training_set(
    taxi: Run, home: Path, source: Path, split: str
) -> None:
    assert taxi("run", *QUICK, TAXI_TRIPS_URI=str(source)).returncode == 0
    before = digests(home)
    result = taxi("run", *QUICK, "--split", split, TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert f"split_on_feature_value='{split}' leaves no" in errors(result.stderr)[0]
    assert digests(home) == before


@pytest.mark.parametrize(
    ("arguments", "settings", "text"),
    [
        (("--models", "Ridge"), {}, "--models 'Ridge' is unknown"),
        (("--months", "2024-13"), {}, "'2024-13' is not a month"),
        (("--months", "2024-02:2024-01"), {}, "end before they begin"),
        (("--months", "2010-01:2010-02"), {}, "TAXI_FIRST_MONTH"),
        (("--months", "2024-01"), {}, "One month needs --split"),
        ((), {"TAXI_HOME": "/dev/null"}, "TAXI_HOME=/dev/null cannot be used"),
        ((), {"TAXI_STORAGE_URI": "/dev/null"}, "TAXI_STORAGE_URI=/dev/null cannot be used"),
        ((), {"DAGSTER_HOME": "nowhere"}, "DAGSTER_HOME=nowhere is not the absolute path of a folder"),
        (("--split", "soon"), {}, "split='soon' is not a date"),
        ((), {"TAXI_SERVICE": "blue"}, "TAXI_SERVICE='blue' is unknown: it is one of green, yellow"),
        ((), {"TAXI_TRIPS_URI": "/nowhere/{moon}"}, "TAXI_TRIPS_URI=/nowhere/{moon}"),
        ((), {"TAXI_TRIPS_URI": "/nowhere"}, "/nowhere/ is not there"),
        ((), {"TAXI_TRIPS_URI": str(PROJECT_ROOT)}, f"TAXI_TRIPS_URI={PROJECT_ROOT} has 0 months"),
        ((), {"TAXI_SAMPLE_ROWS": "0"}, "TAXI_SAMPLE_ROWS='0'"),
        ((), {"TAXI_STORAGE_URI": "gs://bucket"}, "TAXI_STORAGE_URI=gs://bucket"),
    ],
)
def test_an_impossible_setting_is_one_line_that_names_it(
    taxi: Run, arguments: tuple[str, ...], settings: dict[str, str], text: str
) -> None:
    result = taxi("run", *arguments, **settings)
    assert result.returncode != 0
    (error,) = errors(result.stderr)
    assert text in error
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_model_that_was_changed_behind_our_back_is_not_believed(taxi: Run, home: Path) -> None:
    assert taxi("run", *QUICK).returncode == 0
    (served,) = (home / "mlflow" / "artifacts").rglob("model.skops")
    shutil.copyfile(served.parent / "extra_files" / "training_fit.skops", served)
    result = taxi("predict", "--pu", "236", "--do", "239", "--distance", "1.98")
    assert result.returncode == 1
    assert "Version 1 of nyc-taxi-duration cannot be loaded" in errors(result.stderr)[0]
    assert "not those that were registered" in errors(result.stderr)[0]


def test_samples_for_a_folder_that_cannot_be_written_are_refused(taxi: Run) -> None:
    result = taxi("sample", "--out", "/dev/null")
    assert result.returncode == 1
    assert "--out /dev/null cannot be written" in errors(result.stderr)[0]


def test_a_home_of_another_source_is_refused(taxi: Run, source: Path) -> None:
    assert taxi("env").returncode == 0
    result = taxi("env", TAXI_TRIPS_URI=str(source))
    assert result.returncode == 1
    assert "holds green trips from sample" in errors(result.stderr)[0]


def test_verbose_shows_where_an_error_came_from(taxi: Run) -> None:
    result = taxi("run", "--models", "Ridge", "--verbose")
    assert result.returncode != 0
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--pu", "0", "--do", "1", "--distance", "1"), "--pu '0' is not a zone"),
        (("--pu", "1", "--do", "x", "--distance", "1"), "--do 'x' is not a zone"),
        (("--pu", "1", "--do", "1", "--distance", "-1"), "--distance -1.0 is not a distance"),
        (("--pu", "1", "--do", "1", "--distance", "nan"), "--distance nan is not a distance"),
        (("--pu", "1", "--do", "1", "--distance", "1e308"), "--distance 1e+308 is not a distance"),
        (("--pu", "1", "--do", "1", "--distance", "1"), "has no champion yet"),
    ],
)
def test_a_prediction_that_cannot_be_made_says_why(taxi: Run, arguments: tuple[str, ...], text: str) -> None:
    result = taxi("predict", *arguments)
    assert result.returncode == 1
    assert text in errors(result.stderr)[0]
