"""A deployment whose instance knows all that was made in it, and what the automation asks for there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from taxi_assets.defs.build import build_defs
from taxi_assets.defs.made_of import RETRAINED
from taxi_assets.defs.partitions import MONTHS as PARTITIONS
from taxi_assets.defs.partitions import partition_of
from taxi_assets.defs.sklearn_models import SklearnConfig
from taxi_assets_tests.defs.running import (
    LINEAR,
    QUICK_XGBOOST,
    Resources,
    failures,
    materialize,
    republish,
    resources_in,
    run_checks,
    store_in,
)

MONTHS = ("2024-01", "2024-02")

Asked = dict[str, set[str | None]]


def ingest(
    resources: Resources, instance: dg.DagsterInstance, *months: str, success: bool = True
) -> dg.ExecuteInProcessResult | None:
    """Ingest months; gives the last run."""
    made = None
    for month in months:
        made = materialize(resources, "raw_trips", "clean_trips", partition=f"{month}-01", instance=instance)
        assert made.success == success
    return made


def make(resources: Resources, instance: dg.DagsterInstance, *assets: str, partition: str | None = None) -> None:
    """Make assets of a retraining."""
    config = {"xgboost_model": QUICK_XGBOOST} if "xgboost_model" in assets else {}
    assert materialize(resources, *assets, partition=partition, config=config, instance=instance).success


def train(resources: Resources, instance: dg.DagsterInstance) -> None:
    """Make a training set, two models, and the champion."""
    make(resources, instance, "training_set", "xgboost_model")
    make(resources, instance, "sklearn_models", partition=LINEAR)
    make(resources, instance, "champion_model")


def asked_for(instance: dg.DagsterInstance, home: Path) -> Asked:
    """What the automation asks for, at its first look."""
    return look(instance, home)[0]


def look(instance: dg.DagsterInstance, home: Path, cursor: Any = None) -> tuple[Asked, Any]:
    """What the automation asks for, and its cursor for the next look."""
    defs = build_defs(resource_overrides=resources_in(home))
    result = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=cursor)
    asked: Asked = {key.to_user_string(): set(result.get_requested_partitions(key)) for key in RETRAINED}
    return {name: partitions for name, partitions in asked.items() if partitions}, result.cursor


def source_of(home: Path, months: str = "2024-01:2024-04", seed: int = 1) -> Resources:
    """The resources of a deployment whose source has these months."""
    return resources_in(home, sample_months=months, sample_seed=seed)


def block(home: Path, instance: dg.DagsterInstance, month: str) -> None:
    """Let a blocking check of a clean month fail."""
    republish(store_in(home), f"clean_trips/{month}", raw_rows=10**6)
    checks = run_checks(source_of(home), "clean_trips", f"{month}-01", instance)
    assert failures(checks) == {"share_kept": "ERROR"}


def fail(resources: Resources, instance: dg.DagsterInstance, classes: set[str]) -> None:
    """Let the training of classes fail."""
    wrong = {"sklearn_models": SklearnConfig(space={"linear_model.Ridge": {}})}
    for name in classes:
        assert not materialize(resources, "sklearn_models", partition=name, config=wrong, instance=instance).success


def plan(instance: dg.DagsterInstance, check: dg.AssetChecksDefinition, *months: str) -> None:
    """Let a run fail that would have made a check."""
    run_id = add_run(instance, dg.DagsterRunStatus.FAILURE)
    (spec,) = check.check_specs
    keys = [partition_of(month) for month in months]
    subset = PARTITIONS.empty_subset().with_partition_keys(keys).to_serializable_subset() if months else None
    planned = AssetCheckEvaluationPlanned(asset_key=spec.asset_key, check_name=spec.name, partitions_subset=subset)
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value
    instance.report_dagster_event(dg.DagsterEvent(kind, "__ASSET_JOB", event_specific_data=planned), run_id)


def add_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    *assets: dg.AssetKey,
    job: str = "__ASSET_JOB",
    tags: Mapping[str, str] | None = None,
) -> str:
    """Let an instance have a run, of some assets or of all of its job."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("taxi_assets"), "__repository__")
    run = dg.DagsterRun(
        job_name=job,
        status=status,
        tags=tags,
        asset_selection=frozenset(assets) or None,
        remote_job_origin=RemoteJobOrigin(repository, job),
    )
    instance.add_run(run)
    return run.run_id
