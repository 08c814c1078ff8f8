"""The definitions are put together in one place, and are cheap to load."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import taxi_assets
from taxi_assets.defs.build import ASSETS, CHECKS, build_defs
from taxi_assets.defs.resources import StorageResource, TripsResource, build_resources
from taxi_assets.errors import SettingError
from taxi_assets_tests.defs.running import trips_resource

HEAVY = ("xgboost", "sklearn", "mlflow", "hyperopt", "skops", "polars", "dagster_aws", "dagster_mlflow")


def test_a_resource_can_be_swapped_and_the_others_stay(empty_home: Path) -> None:
    other = trips_resource(sample_rows=5)
    defs = build_defs(resource_overrides={"trips": other})
    assert defs.resources is not None
    assert defs.resources["trips"] is other
    assert isinstance(defs.resources["storage"], StorageResource)


def test_a_swapped_resource_is_what_a_job_of_the_definitions_uses(
    empty_home: Path, instance: dg.DagsterInstance
) -> None:
    defs = build_defs(resource_overrides={"trips": trips_resource(sample_rows=123)})
    run = defs.resolve_job_def("ingest_months").execute_in_process(
        partition_key="2024-01-01", instance=instance, raise_on_error=False
    )
    (raw,) = run.asset_materializations_for_node("raw_trips")
    assert raw.metadata["dagster/row_count"].value == 123


def test_the_definitions_are_sound(empty_home: Path) -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_all_assets_and_checks_are_in_the_definitions(empty_home: Path) -> None:
    graph = build_defs().resolve_asset_graph()
    assert graph.materializable_asset_keys == {asset.key for asset in ASSETS}
    assert set(graph.asset_check_keys) == {key for check in CHECKS for key in check.check_keys}


def test_resources_follow_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAXI_HOME", str(tmp_path))
    monkeypatch.setenv("TAXI_TRIPS_URI", "tlc")
    monkeypatch.setenv("TAXI_SERVICE", "yellow")
    resources = build_resources()
    trips, storage = resources["trips"], resources["storage"]
    assert isinstance(trips, TripsResource)
    assert (trips.uri, trips.service, trips.synthetic) == ("tlc", "yellow", False)
    assert storage.location == str(tmp_path / "assets")


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_DEVICE", "abacus")
    with pytest.raises(SettingError, match="TAXI_DEVICE"):
        build_defs()


def test_definitions_py_is_under_thirty_lines() -> None:
    text = (Path(taxi_assets.__file__).parent / "definitions.py").read_text()
    assert len(text.splitlines()) < 30


def test_loading_the_definitions_loads_no_heavy_library() -> None:
    program = f"import sys, taxi_assets.definitions; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
