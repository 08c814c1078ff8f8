"""What `taxi run` tells of a source, and what Dagster stores of it, says nothing of a token in its address."""

import json
from pathlib import Path

import dagster as dg
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from taxi_assets.defs.main_job import RunOptions, run_main_job
from taxi_assets.defs.resources import build_resources
from taxi_assets.errors import SettingError
from taxi_assets.trips.http_source import HttpSource
from taxi_assets_tests.defs.running import Resources, resources_in
from taxi_assets_tests.defs.test_main_job import Told

URI = "memory://somebody:HUSH@tokens/{year}-{month}.parquet?sig=SIGNATURE"
SHOWN = "memory://tokens/{year}-{month}.parquet?…"
SECRETS = ("somebody", "HUSH", "SIGNATURE")


@pytest.fixture
def resources(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """Those of a source that is there and has no month."""
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", ["", "/somebody:HUSH@tokens"])
    return resources_in(empty_home, uri=URI)


def require_no_secret(text: str) -> None:
    assert not [secret for secret in SECRETS if secret in text]


def test_the_config_that_dagster_stores_has_no_token_and_the_source_has(monkeypatch: pytest.MonkeyPatch) -> None:
    address = URI.replace("memory://", "https://")
    monkeypatch.setenv("TAXI_TRIPS_URI", address)
    trips = build_resources()["trips"]
    assert trips.uri == SHOWN.replace("memory://", "https://")
    require_no_secret(trips.model_dump_json())
    source = trips.open()
    assert isinstance(source, HttpSource)
    assert source.templates == [address]


def test_the_summary_has_no_token(resources: Resources, instance: dg.DagsterInstance) -> None:
    summary = run_main_job(RunOptions(months=["2024-01", "2024-02"]), instance, resources, Told())
    assert summary.source == SHOWN
    assert "memory://tokens/2024-01.parquet?…" in summary.errors[0]
    require_no_secret(json.dumps(summary.to_json()))


def test_that_months_are_too_few_is_told_without_a_token(resources: Resources, instance: dg.DagsterInstance) -> None:
    with pytest.raises(SettingError) as refusal:
        run_main_job(RunOptions(), instance, resources, Told())
    assert str(refusal.value).startswith(f"TAXI_TRIPS_URI={SHOWN} has 0 months")
    require_no_secret(str(refusal.value))
