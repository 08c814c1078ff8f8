"""What tests share: the real months, small synthetic ones, stores, and an environment without our settings."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxi_assets.storage.publish import FolderStore

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

ROWS = 3_000
"""Trips in a synthetic month: enough for all seven models to fit in seconds."""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the developer's shell do not reach a test."""
    for name in list(os.environ):
        if name.startswith(("TAXI_", "MLFLOW_")) or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real months, broken files and the zone table."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"NO REAL DATA: {SHARED_DATA} is not there, so that nothing was tried on real trips")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_trips(real_data: Path) -> pa.Table:
    """The raw trips of the real green 2024-01 and 2024-02, one table."""
    months = [pq.read_table(real_data / "green" / f"green_tripdata_2024-{month}.parquet") for month in ("01", "02")]
    return pa.concat_tables(months, promote_options="permissive")


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small synthetic months, 2024-01 and 2024-02."""
    from taxi_assets.trips.sample import write_sample_month

    folder = tmp_path_factory.mktemp("sample")
    for month in ("2024-01", "2024-02"):
        write_sample_month(folder / f"green_tripdata_{month}.parquet", "green", month, ROWS, seed=1)
    return folder


@pytest.fixture(scope="session")
def sample_trips(sample_folder: Path) -> pa.Table:
    """The raw trips of both small synthetic months, one table."""
    return pa.concat_tables(pq.read_table(path) for path in sorted(sample_folder.iterdir()))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store in a folder."""
    return FolderStore(tmp_path / "assets")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, with nothing in them: to make them takes seconds, to copy them none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that exists as soon as the module `trap` is imported, or its class Trap constructed."""
    mark = tmp_path / "executed"
    (tmp_path / "trap.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Trap:\n    def __setstate__(self, state): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield mark
    sys.modules.pop("trap", None)
