"""What assets are given: the source of trips, the store, the way to MLflow. Built from the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from taxi_assets.addresses import shown
from taxi_assets.defs.mlflow_resource import MlflowResource
from taxi_assets.settings import Settings, load_settings
from taxi_assets.storage.home import claim_home, claim_store
from taxi_assets.storage.publish import Store, open_store
from taxi_assets.trips.source import SAMPLE, TripSource, open_source


class TripsResource(dg.ConfigurableResource):
    """Where months of trips come from.

    Dagster stores and shows a resource's config: the user, password and query of the address stay in TAXI_TRIPS_URI.
    """

    uri: str = Field(description="sample, tlc, mage, a folder, or a template with {service}, {year}, {month}.")
    service: str = Field(description="green or yellow.")
    sample_months: str = Field(description="Months of the sample source, FIRST:LAST.")
    sample_rows: int = Field(description="Trips in a sample month.")
    sample_seed: int = Field(description="Seed of the sample trips.")
    fetch_attempts: int = Field(description="How often a month is tried.")
    s3_endpoint_url: str | None = Field(default=None, description="Endpoint of an S3-compatible server.")

    @property
    def synthetic(self) -> bool:
        """Whether the trips are made and not real."""
        return self.uri == SAMPLE

    def open(self) -> TripSource:
        """The source. Raises SettingError where a setting cannot be used."""
        address = load_settings().trips_uri
        return open_source(
            address if shown(address) == self.uri else self.uri,
            self.service,
            sample_months=self.sample_months,
            sample_rows=self.sample_rows,
            sample_seed=self.sample_seed,
            attempts=self.fetch_attempts,
            s3_options={"endpoint_url": self.s3_endpoint_url} if self.s3_endpoint_url else None,
        )


class StorageResource(dg.ConfigurableResource):
    """Where assets are stored."""

    location: str = Field(description="A folder, or an s3:// prefix.")
    scratch: str = Field(description="A local folder for drafts and the read cache of a store on S3.")

    def open(self) -> Store:
        """The store.

        Raises:
            SettingError: the home or the store holds trips of another source.
            StoredError: the store cannot be reached.
        """
        settings = load_settings()
        claim_home(settings)
        store = open_store(self.location, Path(self.scratch), self.s3_options())
        claim_store(store, settings)
        return store

    def s3_options(self) -> Mapping[str, Any]:
        """What s3fs is called with, where the store is on S3."""
        return {}


def build_resources(settings: Settings | None = None) -> dict[str, Any]:
    """The resources that the settings name."""
    settings = settings or load_settings()
    return {"trips": _trips(settings), "storage": _storage(settings), "mlflow": MlflowResource()}


def _trips(settings: Settings) -> TripsResource:
    return TripsResource(
        uri=shown(settings.trips_uri),
        service=settings.service,
        sample_months=settings.sample_months,
        sample_rows=settings.sample_rows,
        sample_seed=settings.sample_seed,
        fetch_attempts=settings.fetch_attempts,
        s3_endpoint_url=settings.s3_endpoint_url,
    )


def _storage(settings: Settings) -> StorageResource:
    scratch = str(settings.home / "scratch")
    if not settings.storage.startswith("s3://"):
        return StorageResource(location=settings.storage, scratch=scratch)
    # dagster-aws takes longer to import than Dagster itself.
    from dagster_aws.s3 import S3Resource

    from taxi_assets.defs.s3_storage import S3StorageResource

    s3 = S3Resource(region_name=settings.s3_region, endpoint_url=settings.s3_endpoint_url)
    return S3StorageResource(location=settings.storage, scratch=scratch, s3=s3)
