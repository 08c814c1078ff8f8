"""A small deployment without Dagster: stored months, models trained and logged as the assets do it, promotions."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taxi_assets.features import TrainingSet
from taxi_assets.features.validation_trips import ValidationTrips
from taxi_assets.features.window import store_training_set
from taxi_assets.settings import Settings, load_settings
from taxi_assets.storage import locations
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import Version
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import REGISTERED_MODEL, Tracking, open_tracking
from taxi_assets.tracking.promotion import Promotion, promote
from taxi_assets.tracking.registry import LoadedVersion, RegisteredVersion, load_version, register, version_at, versions
from taxi_assets.tracking.runs import begin_run, end_run
from taxi_assets.tracking.training_run import TrainingRun
from taxi_assets.training.model import ModelRecord, TrainedModel
from taxi_assets.training.stored import train_and_store
from taxi_assets.training.stored_trials import StoredTrials
from taxi_assets.training.tuning import Followers
from taxi_assets_tests.training.quick import train

LINEAR = "linear_model.LinearRegression"
LASSO = "linear_model.Lasso"

GOOD: dict[str, Any] = {"space": {"alpha": [0.01, 0.011]}}
MIDDLE: dict[str, Any] = {"space": {"alpha": [0.1, 0.11]}}
BAD: dict[str, Any] = {"space": {"alpha": [0.9, 1.0]}}
"""Bounds with which a Lasso becomes better or worse than another."""


def store_of(settings: Settings) -> FolderStore:
    """The store of a deployment."""
    return FolderStore(Path(settings.storage))


@contextmanager
def mlflow_at(tracking: Tracking) -> Iterator[None]:
    """Let MLflow's own functions ask the MLflow of a deployment; afterwards its address is as before."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(tracking.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextmanager
def active_run(tracking: Tracking, run_id: str) -> Iterator[None]:
    """Make a run MLflow's active one; afterwards none is."""
    import mlflow

    with mlflow_at(tracking):
        mlflow.start_run(run_id=run_id)
        try:
            yield
        finally:
            mlflow.end_run("RUNNING")


@dataclass(frozen=True)
class Logged:
    """A model that was trained, stored and logged."""

    run_id: str
    model: TrainedModel
    version: Version

    @property
    def record(self) -> ModelRecord:
        """Its record."""
        return self.model.record


class Deployment:
    """What users do with a home, one call each."""

    def __init__(self) -> None:
        self.settings = load_settings()
        self.tracking = open_tracking(self.settings)
        self.store = store_of(self.settings)

    def window(self, *months: str, **options: Any) -> Version:
        """Store the training set of some months."""
        return store_training_set(self.store, months, **options)

    def train(self, name: str, **options: Any) -> Logged:
        """Train a model on the stored training set, log it and store it."""
        trained: list[TrainedModel] = []
        run_id = begin_run(self.tracking, name, {tags.ASSET: name, tags.DAGSTER_RUN: "a-dagster-run"})
        run = TrainingRun(self.tracking, run_id)
        followers = Followers(StoredTrials(self.store, name), run.log_trial)

        def fit(data: TrainingSet, version: Version) -> TrainedModel:
            trained.append(
                train(name, data, training_set=version.digest, facts=version.facts, followers=followers, **options)
            )
            return trained[0]

        with active_run(self.tracking, run_id):
            _, version = train_and_store(self.store, name, fit, run.log_model)
        end_run(self.tracking, run_id, "FINISHED")
        return Logged(run_id, trained[0], version)

    def promote(self) -> Promotion:
        """Compare what is stored with the champion."""
        run_id = begin_run(self.tracking, "champion_model", {tags.ASSET: "champion_model"})
        try:
            with active_run(self.tracking, run_id):
                promotion = promote(self.tracking, self.store, run_id)
        except BaseException:
            end_run(self.tracking, run_id, "FAILED")
            raise
        end_run(self.tracking, run_id, "FINISHED")
        return promotion

    def register(self, logged: Logged) -> int:
        """Register a trained model without comparing it; gives the number of its version."""
        with mlflow_at(self.tracking):
            return register(self.tracking, logged.run_id).version

    def train_and_promote(self, name: str, **options: Any) -> Promotion:
        """Train a model and compare it with the champion."""
        self.train(name, **options)
        return self.promote()

    def champion(self) -> int | None:
        """The number of the champion."""
        version = version_at(self.tracking, "champion")
        return version.version if version else None

    def challenger(self) -> int | None:
        """The number of the challenger."""
        version = version_at(self.tracking, "challenger")
        return version.version if version else None

    def version(self, number: int) -> RegisteredVersion:
        """A registered version by its number."""
        (found,) = [version for version in versions(self.tracking) if version.version == number]
        return found

    def load(self, number: int) -> LoadedVersion:
        """What a registered version holds."""
        return load_version(self.tracking, self.version(number))

    def files_of(self, number: int) -> Path:
        """The folder of a registered version's files."""
        from mlflow.artifacts import download_artifacts

        place = self.tracking.client.get_model_version_download_uri(REGISTERED_MODEL, str(number))
        return Path(download_artifacts(place, tracking_uri=self.tracking.uri))

    def validation(self) -> ValidationTrips:
        """The validation trips of the stored training set."""
        return self.store.read(locations.TRAINING_SET, lambda folder, _: ValidationTrips.load(folder))

    def metrics(self, run_id: str) -> dict[str, float]:
        """The metrics of a run."""
        found: dict[str, float] = self.tracking.client.get_run(run_id).data.metrics
        return found


class Snapshot:
    """The state of a home, to be brought back where it was: MLflow keeps absolute paths."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        shutil.copytree(home / "assets", folder / "assets")
        _copy_database(home / "mlflow" / "mlflow.db", folder / "mlflow.db")

    def restore(self) -> None:
        """Bring the state back, under the connections that MLflow holds open. New artifacts stay."""
        shutil.rmtree(self.home / "assets")
        shutil.copytree(self.folder / "assets", self.home / "assets")
        _copy_database(self.folder / "mlflow.db", self.home / "mlflow" / "mlflow.db")


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


def rmse(predictions: Any, trips: pa.Table) -> float:
    """The RMSE of predicted durations."""
    import numpy as np

    errors = predictions - trips.column("duration").to_numpy()
    return float(np.sqrt(np.mean(errors**2)))


def store_months(store: FolderStore, months: tuple[str, ...], rows: int, folder: Path) -> None:
    """Store small synthetic months, raw and cleaned."""
    from taxi_assets.trips.clean_month import clean_month
    from taxi_assets.trips.sample import write_sample_month

    for month in months:
        with store.draft(locations.raw_trips(month)) as draft:
            path = draft.folder / f"green_tripdata_{month}.parquet"
            write_sample_month(path, "green", month, rows, seed=1)
            draft.facts.update(service="green", synthetic=True, rows=pq.read_metadata(path).num_rows)
        clean_month(store, month)
