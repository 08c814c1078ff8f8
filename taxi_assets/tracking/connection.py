"""The way to MLflow: where it is, whether it answers, and the experiment that all runs are in."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taxi_assets.errors import TrackingError
from taxi_assets.settings import Settings
from taxi_assets.storage.publish import file_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "nyc-taxi-experiment"
REGISTERED_MODEL = "nyc-taxi-duration"

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Else MLflow's UI takes it for a place of language models."""

LOCAL_UI = "http://127.0.0.1:5000"
"""Where `make mlflow` puts MLflow's UI."""

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""MLflow sends what it is used for to its makers and prints on stdout, unless these say no."""

IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""For the first question to a server. By default MLflow tries for minutes before it says that none is there."""


@dataclass(frozen=True)
class Tracking:
    """An MLflow that answers.

    Attributes:
        client: asks it.
        uri: where it is; can hold a password.
        experiment_id: of `EXPERIMENT`.
        ui_url: where its UI is.
        home: the folder of this deployment.
        source_id: the source and service that this deployment's models are trained on.
    """

    client: "MlflowClient"
    uri: str
    experiment_id: str
    ui_url: str
    home: Path
    source_id: str

    def run_url(self, run_id: str) -> str:
        """Where a person sees a run."""
        return f"{self.ui_url}/#/experiments/{self.experiment_id}/runs/{run_id}"

    def version_url(self, version: int) -> str:
        """Where a person sees a version of the registered model."""
        return f"{self.ui_url}/#/models/{REGISTERED_MODEL}/versions/{version}"


SECONDS_TO_CONNECT = 10
"""How long a database server may take to accept a connection."""


def open_tracking(settings: Settings) -> Tracking:
    """Ask MLflow whether it is there, and make what is missing: the tables of a local file, the experiment.

    Raises:
        TrackingError: it does not answer, or refuses; the message says within seconds what to do.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = settings.mlflow_uri
    with _environment(IMPATIENT), mlflow_errors(settings):
        try:
            if _is_server(uri):
                client = MlflowClient(uri)
                experiment_id = _experiment(client, None)
            else:
                _require_answer(uri)
                # Of four processes that made the tables of one file at once, three died.
                with file_lock(settings.mlflow_folder, "tables"):
                    client = MlflowClient(uri)
                    experiment_id = _experiment(client, _artifacts(settings).as_uri())
        except (OSError, ImportError) as error:  # no such place, or no driver for the database
            raise _tracking_error(settings, error) from None
    ui_url = settings.mlflow_ui_url or (_without_password(uri) if uri.startswith("http") else LOCAL_UI)
    return Tracking(client, uri, experiment_id, ui_url.rstrip("/"), settings.home, settings.source_id)


@contextmanager
def mlflow_errors(settings: Settings) -> Iterator[None]:
    """Turn what MLflow and its ways to a server or a database raise into a clear error.

    Raises:
        TrackingError: instead.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        # Without its cause, which can hold the password.
        raise _tracking_error(settings, error) from None


def _tracking_error(settings: Settings, error: Exception) -> TrackingError:
    shown = _without_password(settings.mlflow_uri)
    reason = first_line(error).replace(settings.mlflow_uri, shown)
    remedy = (
        f"Start it, mend the address, or unset MLFLOW_TRACKING_URI to track in {settings.mlflow_folder}"
        if settings.tracking_uri
        else "Is the file damaged? Move it away to begin anew"
    )
    return TrackingError(f"MLflow at {shown} does not answer as it should: {reason}. {remedy}.")


def first_line(error: Exception) -> str:
    """The first line of an error's message, without its full stop; its name where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def default_address(tracking: Tracking) -> Iterator[None]:
    """Let MLflow's own functions, those without a client, go to where a client goes.

    Setting the address sets a variable too, which the settings are read from: both are as before afterwards.
    """
    import mlflow

    variable = os.environ.get("MLFLOW_TRACKING_URI")
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    mlflow.set_tracking_uri(tracking.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None takes it back
        if variable is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = variable


def _is_server(uri: str) -> bool:
    """Whether it decides itself where artifacts go."""
    return uri.startswith(("http://", "https://", "databricks"))


def _require_answer(uri: str) -> None:
    """Connect to a database server once: MLflow tries for minutes where none answers.

    Raises:
        SQLAlchemyError: it does not answer.
    """
    if not uri.startswith(("postgresql", "mysql")):
        return
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    create_engine(uri, poolclass=NullPool, connect_args={"connect_timeout": SECONDS_TO_CONNECT}).connect().close()


def _artifacts(settings: Settings) -> Path:
    """Where the artifacts of a database without a server go: beside an SQLite file, else into the home."""
    path = settings.mlflow_uri.removeprefix("sqlite:///")
    folder = Path(path).absolute().parent if path != settings.mlflow_uri else settings.mlflow_folder
    return folder / "artifacts"


def _experiment(client: "MlflowClient", artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        try:
            created: str = client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=KIND)
            return created
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process made it since.
            experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None or experiment.lifecycle_stage != "active":
        raise MlflowException(f"its experiment {EXPERIMENT} was deleted: restore it there")
    found: str = experiment.experiment_id
    return found


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: value for name, value in variables.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
