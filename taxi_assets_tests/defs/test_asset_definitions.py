"""What the definitions say of themselves: who owns what, how it is cut, what can be set."""

import dagster as dg
import pytest

from taxi_assets.defs.build import ASSETS, build_defs
from taxi_assets.defs.clean_trips import CleanTripsConfig
from taxi_assets.defs.resources import StorageResource, TripsResource
from taxi_assets.defs.sklearn_models import SklearnConfig
from taxi_assets.defs.training_set import TrainingSetConfig
from taxi_assets.defs.xgboost_model import XGBoostConfig
from taxi_assets.training.search_spaces import SKLEARN_CLASSES

BY_NAME = {asset.key.to_user_string(): asset for asset in ASSETS}

UPSTREAM = {
    "raw_trips": set(),
    "clean_trips": {"raw_trips"},
    "training_set": {"clean_trips"},
    "xgboost_model": {"training_set"},
    "sklearn_models": {"training_set"},
    "champion_model": {"xgboost_model", "sklearn_models"},
}


def spec_of(name: str) -> dg.AssetSpec:
    (spec,) = BY_NAME[name].specs
    return spec


def test_the_assets_depend_on_each_other_as_the_data_flows() -> None:
    found = {name: {dep.asset_key.to_user_string() for dep in spec_of(name).deps} for name in BY_NAME}
    assert found == UPSTREAM


@pytest.mark.parametrize("name", UPSTREAM)
def test_every_asset_has_kinds_an_owner_a_group_a_description_and_a_code_version(name: str) -> None:
    spec = spec_of(name)
    assert spec.kinds
    assert spec.owners
    assert spec.group_name in {"trips", "training", "serving"}
    assert spec.description
    assert spec.code_version


@pytest.mark.parametrize("name", UPSTREAM)
def test_every_field_of_the_launchpad_is_described(name: str) -> None:
    schema = BY_NAME[name].node_def.config_schema
    fields = getattr(schema.config_type, "fields", {}) if schema else {}
    configured = {"clean_trips", "training_set", "xgboost_model", "sklearn_models"}
    assert bool(fields) == (name in configured)
    assert [field for field, entry in fields.items() if not entry.description] == []


@pytest.mark.parametrize(
    "model",
    [CleanTripsConfig, TrainingSetConfig, XGBoostConfig, SklearnConfig, TripsResource, StorageResource],
    ids=lambda model: model.__name__,
)
def test_every_field_of_a_config_or_resource_is_described(model: type[dg.Config]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_defaults_are_those_of_the_course() -> None:
    assert SklearnConfig().model_dump(exclude={"space"}) == {
        "max_evaluations": 1,
        "random_state": 7,
        "select_on": "training",
    }
    assert XGBoostConfig().model_dump(exclude={"space"}) == {
        "max_evaluations": 3,
        "random_state": 7,
        "select_on": "training",
        "early_stopping_rounds": 3,
        "max_depth": 10,
        "device": "cpu",
    }
    assert CleanTripsConfig().include_extreme_durations is False
    assert TrainingSetConfig().model_dump() == {
        "months": [],
        "split_on_feature": "pickup_datetime",
        "split_on_feature_value": None,
        "target": "duration",
        "feature_set": "course",
    }


def test_xgboost_trains_where_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXI_DEVICE", "cuda")
    assert XGBoostConfig().device == "cuda"


def test_tuning_can_look_at_nothing_but_training_or_validation_rows() -> None:
    with pytest.raises(ValueError, match="select_on"):
        SklearnConfig(select_on="luck")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["raw_trips", "clean_trips"])
def test_trips_are_cut_in_months(name: str) -> None:
    partitions = BY_NAME[name].partitions_def
    assert isinstance(partitions, dg.MonthlyPartitionsDefinition)
    assert partitions.get_first_partition_key() == "2023-01-01"
    assert partitions.has_partition_key("2024-02-01")


def test_sklearn_models_are_cut_in_the_six_classes() -> None:
    partitions = BY_NAME["sklearn_models"].partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys() == list(SKLEARN_CLASSES)
    assert len(partitions.get_partition_keys()) == 6


@pytest.mark.parametrize("name", ["training_set", "xgboost_model", "champion_model"])
def test_what_is_made_of_several_months_or_classes_is_in_one_piece(name: str) -> None:
    assert BY_NAME[name].partitions_def is None


@pytest.mark.parametrize("name", UPSTREAM)
def test_one_partition_is_one_run(name: str) -> None:
    assert BY_NAME[name].backfill_policy in (None, dg.BackfillPolicy.multi_run(1))


@pytest.mark.parametrize(
    ("job", "assets"),
    [
        ("ingest_months", {"raw_trips", "clean_trips"}),
        ("train_xgboost", {"training_set", "xgboost_model"}),
        ("train_sklearn", {"sklearn_models"}),
    ],
)
def test_a_job_makes_and_checks_its_assets(job: str, assets: set[str]) -> None:
    layer = build_defs().resolve_job_def(job).asset_layer
    assert {key.to_user_string() for key in layer.selected_asset_keys} == assets
    assert {key.asset_key.to_user_string() for key in layer.asset_graph.asset_check_keys} >= assets
