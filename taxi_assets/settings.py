"""Every setting, from the environment (prefix `TAXI_`). Nothing else reads the environment.

Credentials are not settings: S3 takes them from the standard `AWS_*` variables, MLflow from its `MLFLOW_TRACKING_*`.
"""

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from taxi_assets.addresses import shown
from taxi_assets.errors import SettingError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The folder of `dagster.yaml` and `workspace.yaml`: the project runs from its checkout."""

MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
MONTH_RANGE_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])(:[0-9]{4}-(0[1-9]|1[0-2]))?$"


class Settings(BaseSettings):
    """The settings of one deployment."""

    model_config = SettingsConfigDict(env_prefix="TAXI_", frozen=True, extra="ignore")

    trips_uri: str = Field(
        "sample",
        min_length=1,
        description="Where trips come from: sample, tlc, mage, a folder, or a URI template "
        "with {service}, {year} and {month}.",
    )
    service: str = Field("green", pattern=r"^[a-z]+$", description="The kind of taxi: green or yellow.")
    home_dir: Path | None = Field(
        None,
        validation_alias="TAXI_HOME",
        description="Folder of all state. Default: a folder of .taxi/ for each source and service.",
    )
    storage_uri: str | None = Field(
        None, description="Where assets are stored: a folder or an s3:// prefix. Default: TAXI_HOME/assets."
    )
    s3_endpoint_url: str | None = Field(None, description="Endpoint of an S3-compatible server; unset for AWS itself.")
    s3_region: str | None = Field(None, description="Region of the S3 bucket.")
    first_month: str = Field("2023-01", pattern=MONTH_PATTERN, description="The first month to offer.")
    fetch_attempts: int = Field(4, ge=1, description="How often a month is tried before its fetch fails.")
    sample_months: str = Field(
        "2024-01:2024-02",
        pattern=MONTH_RANGE_PATTERN,
        description="The months that the sample source has, FIRST:LAST.",
    )
    sample_rows: int = Field(20_000, ge=1, description="Trips in a sample month.")
    sample_seed: int = Field(42, ge=0, description="Seed of the sample trips.")
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where XGBoost trains.")
    tracking_uri: str | None = Field(
        None,
        validation_alias="MLFLOW_TRACKING_URI",
        min_length=1,
        description="MLflow's tracking server, or a database. Default: an SQLite file in TAXI_HOME/mlflow.",
    )
    mlflow_ui_url: str | None = Field(
        None,
        description="Where MLflow's UI is, for links to it. Default: the tracking server, or that of `make mlflow`.",
    )
    ui_url: str | None = Field(None, description="Where Dagster's UI is, for links to it.")
    source_seconds: int = Field(60, ge=1, description="Seconds between two looks at the source for new months.")
    sensor_seconds: int = Field(30, ge=1, description="Seconds between two looks at runs, checks and assets.")
    newest_months: int = Field(
        2, ge=1, description="How many months the first look at a source takes: its newest ones, not its history."
    )
    alert_urls: SecretStr = Field(
        SecretStr(""),
        description="Where alerts go: Apprise URLs, with spaces or commas between. They can hold passwords.",
    )
    alert_assets: str = Field(
        "all", min_length=1, description="Assets whose failed checks and runs alert: all, or names with commas between."
    )
    alert_severities: str = Field(
        "ERROR,WARN",
        pattern=r"^(ERROR|WARN)(,(ERROR|WARN))?$",
        description="Severities of failed checks that alert, with commas between.",
    )
    stale_hours: float = Field(
        48.0, gt=0, description="Hours after which a month of the source that the champion has not seen alerts."
    )
    git_commit: str | None = Field(None, description="The commit that runs, where there is no git to ask.")

    @field_validator("trips_uri")
    @classmethod
    def _absolute_folder(cls, uri: str) -> str:
        """A relative folder names the same place whichever folder a later process starts in."""
        is_path = "://" not in uri and uri not in {"sample", "tlc", "mage"}
        return str(Path(uri).expanduser().resolve()) if is_path else uri

    @cached_property
    def source_id(self) -> str:
        """What the state of a home was made from, for example `sample-green`.

        Addresses that differ in their user, password or query only count as one source: tokens change.
        """
        if re.fullmatch(r"[a-z]+", self.trips_uri):
            return f"{self.trips_uri}-{self.service}"
        digest = hashlib.sha256(shown(self.trips_uri).encode()).hexdigest()[:8]
        return f"trips-{digest}-{self.service}"

    @cached_property
    def home(self) -> Path:
        """The folder of all state, absolute."""
        if self.home_dir is None:
            return PROJECT_ROOT / ".taxi" / self.source_id
        return self.home_dir.expanduser().absolute()

    @cached_property
    def mlflow_folder(self) -> Path:
        """The folder of MLflow's local database and artifacts."""
        return self.home / "mlflow"

    @cached_property
    def mlflow_uri(self) -> str:
        """Where MLflow keeps runs and the registry. It can hold a password: not to be shown."""
        return self.tracking_uri or f"sqlite:///{self.mlflow_folder / 'mlflow.db'}"

    @cached_property
    def storage(self) -> str:
        """The folder or `s3://` prefix that assets are stored under."""
        return self.storage_uri or str(self.home / "assets")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # pydantic reads the fields from the environment
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = field if field.isupper() else f"TAXI_{field.upper()}"
        raise SettingError(f"{name}={first['input']!r}: {first['msg']}.") from error
