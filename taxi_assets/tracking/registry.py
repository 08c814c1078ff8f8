"""The registered model `nyc-taxi-duration`: its versions, its aliases, and how a version is loaded.

A version holds both fits of a model and its record. They are loaded by our own loader, which trusts a
fixed list of types, and not by MLflow's, which trusts the types that the version itself names.
"""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from taxi_assets.errors import StoredError, TaxiError, UntrustedModelError
from taxi_assets.storage.versions import Version, describe_files
from taxi_assets.tracking import tags
from taxi_assets.tracking.connection import REGISTERED_MODEL, Tracking, default_address, first_line
from taxi_assets.training.model import ModelRecord
from taxi_assets.training.model_files import fit_file, load_pipeline, load_record

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger(__name__)

Alias = Literal["champion", "challenger"]

MLFLOW_MODEL_FILE = "model.skops"
EXTRA_FILES = "extra_files"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the registered model.

    Attributes:
        version: its number.
        model: the name of the model, one of `search_spaces.MODEL_NAMES`; empty where another program registered it.
        rmse: in minutes, on the validation rows of its own training set; None as above.
        months: what it was trained on, as people read it.
        fit: digest of its two fits: models that predict alike have the same.
        files: digest of the files that hold them in MLflow.
        source: source and service of its trips, as `Settings.source_id`.
        run_id: the MLflow run of its training.
        rolled_back: whether it was champion until a person took it back.
    """

    version: int
    model: str
    rmse: float | None
    months: str
    fit: str
    files: str
    source: str
    run_id: str
    rolled_back: bool

    @classmethod
    def of(cls, found: "ModelVersion") -> "RegisteredVersion":
        """A version as MLflow gives it."""
        rmse = found.tags.get(tags.RMSE)
        return cls(
            int(found.version),
            found.tags.get(tags.MODEL, ""),
            None if rmse is None else float(rmse),
            found.tags.get(tags.MONTHS, ""),
            found.tags.get(tags.FIT, ""),
            found.tags.get(tags.FILES, ""),
            found.tags.get(tags.SOURCE, ""),
            found.run_id or "",
            tags.ROLLED_BACK in found.tags,
        )


@dataclass(frozen=True)
class LoadedVersion:
    """What a version holds: its record and both fits, pipelines from raw trips to minutes."""

    record: ModelRecord
    training_fit: Any
    final_fit: Any


def version_at(tracking: Tracking, alias: Alias) -> RegisteredVersion | None:
    """The version that an alias names; None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return RegisteredVersion.of(tracking.client.get_model_version_by_alias(REGISTERED_MODEL, alias))
    except MlflowException as error:
        # SQL stores say INVALID_PARAMETER_VALUE of an alias that is not set.
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def existing_champion(tracking: Tracking) -> RegisteredVersion:
    """The champion.

    Raises:
        StoredError: there is none.
    """
    champion = version_at(tracking, "champion")
    if champion is None:
        raise StoredError(f"{REGISTERED_MODEL} has no champion yet: train one first, as `taxi run` does.")
    return champion


def versions(tracking: Tracking) -> list[RegisteredVersion]:
    """All versions, the newest first."""
    found: list[ModelVersion] = []
    token = None
    while True:
        page = tracking.client.search_model_versions(
            f"name = '{REGISTERED_MODEL}'", max_results=1000, order_by=["version_number DESC"], page_token=token
        )
        found += page
        token = page.token
        if not token:
            return [RegisteredVersion.of(version) for version in found]


def register(tracking: Tracking, run_id: str) -> RegisteredVersion:
    """The version of a trained model: an existing one if it holds the same fits, else a new one.

    Args:
        tracking: where.
        run_id: the run that logged the model.
    """
    from mlflow.exceptions import MlflowException

    run = tracking.client.get_run(run_id)
    fit = run.data.tags[tags.FIT]
    for version in versions(tracking):
        if version.fit == fit and version.source == tracking.source_id:
            try:
                load_version(tracking, version)
            except TaxiError as error:
                log.warning("%s The model is registered again.", error)
            else:
                return version
    try:
        tracking.client.create_registered_model(REGISTERED_MODEL, description="Minutes that a taxi trip takes.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    names = (
        tags.MODEL,
        tags.MONTHS,
        tags.FIT,
        tags.FILES,
        tags.SOURCE,
        tags.SYNTHETIC,
        tags.TRAINING_SET,
        tags.DAGSTER_RUN,
    )
    noted = {name: run.data.tags[name] for name in names if name in run.data.tags}
    # The client of a database asks for the model at the default address.
    with default_address(tracking):
        created = tracking.client.create_model_version(
            REGISTERED_MODEL,
            run.data.tags[tags.MODEL_URI],
            run.info.run_id,
            tags=noted | {tags.RMSE: repr(run.data.metrics["rmse"])},
            description=f"{run.data.tags[tags.MODEL]}, trained on {run.data.tags[tags.MONTHS]}",
            # A server accepts a source of this kind only together with the model that it names.
            model_id=run.data.tags[tags.MODEL_URI].removeprefix("models:/"),
        )
    return RegisteredVersion.of(created)


def load_version(tracking: Tracking, version: RegisteredVersion) -> LoadedVersion:
    """Load what a version holds, with our own loader.

    Raises:
        StoredError: its files are missing or damaged, or are not those of a model of ours.
        UntrustedModelError: a file names a type that no model of ours has.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as scratch:
        try:
            place = tracking.client.get_model_version_download_uri(REGISTERED_MODEL, str(version.version))
            folder = Path(download_artifacts(place, dst_path=scratch, tracking_uri=tracking.uri))
            extra = folder / EXTRA_FILES
            loaded = LoadedVersion(
                load_record(extra),
                load_pipeline(extra / fit_file("training_fit")),
                load_pipeline(folder / MLFLOW_MODEL_FILE),
            )
            if files_digest(folder) != version.files:
                raise StoredError("its files are not those that were registered")
            return loaded
        except (TaxiError, MlflowException, OSError) as error:
            kind = UntrustedModelError if isinstance(error, UntrustedModelError) else StoredError
            reason = first_line(error).replace(scratch, "")
            raise kind(f"Version {version.version} of {REGISTERED_MODEL} cannot be loaded: {reason}.") from None


def files_digest(folder: Path) -> str:
    """Digest of the files that a logged model predicts with."""
    names = (MLFLOW_MODEL_FILE, f"{EXTRA_FILES}/{fit_file('training_fit')}")
    return Version({name: file for name, file in describe_files(folder).items() if name in names}).digest


def set_alias(tracking: Tracking, alias: Alias, version: int) -> None:
    """Let an alias name a version."""
    tracking.client.set_registered_model_alias(REGISTERED_MODEL, alias, str(version))


def clear_alias(tracking: Tracking, alias: Alias, version: int) -> None:
    """Let an alias name nothing, if it names this version."""
    found = version_at(tracking, alias)
    if found is not None and found.version == version:
        tracking.client.delete_registered_model_alias(REGISTERED_MODEL, alias)
