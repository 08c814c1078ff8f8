"""What is out of date: what was made of something else than what is there now.

A materialisation of the training set, a model or the champion is tagged with the data versions that it was made
of. Dagster's own eager automation goes by events: it makes a model again when an unchanged training set is made
again, and an event that is lost with a killed process is lost for good. A comparison of versions does neither.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from taxi_assets.defs.clean_trips import CHECKS as CLEAN_TRIPS_CHECKS
from taxi_assets.training.search_spaces import SKLEARN_CLASSES
from taxi_assets.trips.months import DEFAULT_MONTHS

MADE_OF_TAG = "taxi/made_of"

RAW_TRIPS = dg.AssetKey("raw_trips")
CLEAN_TRIPS = dg.AssetKey("clean_trips")
TRAINING_SET = dg.AssetKey("training_set")
XGBOOST_MODEL = dg.AssetKey("xgboost_model")
SKLEARN_MODELS = dg.AssetKey("sklearn_models")
CHAMPION_MODEL = dg.AssetKey("champion_model")

RETRAINED = frozenset({TRAINING_SET, XGBOOST_MODEL, SKLEARN_MODELS, CHAMPION_MODEL})
"""The assets that a retraining makes."""

PARTITIONS: Mapping[dg.AssetKey, Sequence[str | None]] = {
    TRAINING_SET: (None,),
    XGBOOST_MODEL: (None,),
    SKLEARN_MODELS: tuple(SKLEARN_CLASSES),
    CHAMPION_MODEL: (None,),
}


def out_of_date(instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str | None]:
    """The partitions of an asset that would be made of something else than they were; None stands for no partition."""
    wanted = _INPUTS[asset](instance)
    if wanted is None:
        return set()
    made = {partition: _last(instance, asset, partition) for partition in PARTITIONS[asset]}
    return {partition for partition, last in made.items() if last is None or last.made_of != wanted}


def training_set_inputs(instance: dg.DagsterInstance) -> str | None:
    """Stands for the newest clean months, of which a training set is made; None where they are too few."""
    newest = sorted(instance.get_materialized_partitions(CLEAN_TRIPS), reverse=True)
    found: dict[str, str] = {}
    for partition in newest:
        if len(found) == DEFAULT_MONTHS:
            break
        if soundness(instance, CLEAN_TRIPS_CHECKS, partition) is Soundness.SOUND:
            found[partition] = data_version(instance, CLEAN_TRIPS, partition) or ""
    return _stands_for(found) if len(found) == DEFAULT_MONTHS else None


def model_inputs(instance: dg.DagsterInstance) -> str | None:
    """Stands for the training set, of which models are made; None where there is none."""
    version = data_version(instance, TRAINING_SET)
    return _stands_for({TRAINING_SET.to_user_string(): version}) if version else None


def champion_inputs(instance: dg.DagsterInstance) -> str | None:
    """Stands for the models of the present training set, of which the champion is chosen; None where there is none."""
    inputs = model_inputs(instance)
    found = {
        f"{asset.to_user_string()} {partition or ''}": made.data_version
        for asset in (XGBOOST_MODEL, SKLEARN_MODELS)
        for partition in PARTITIONS[asset]
        if inputs is not None and (made := _last(instance, asset, partition)) is not None and made.made_of == inputs
    }
    return _stands_for(found) if found else None


_INPUTS: Mapping[dg.AssetKey, Callable[[dg.DagsterInstance], str | None]] = {
    TRAINING_SET: training_set_inputs,
    XGBOOST_MODEL: model_inputs,
    SKLEARN_MODELS: model_inputs,
    CHAMPION_MODEL: champion_inputs,
}


class Soundness(Enum):
    """What the blocking checks of an asset partition say: passed, failed, or not made of what is there now."""

    SOUND = auto()
    BLOCKED = auto()
    UNCHECKED = auto()


def soundness(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetChecksDefinition], partition: str | None = None
) -> Soundness:
    """What the blocking checks among some checks of an asset partition said last."""
    keys = [spec.key for check in checks for spec in check.check_specs if spec.blocking]
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        keys, partition_filter=PartitionKeyFilter(key=partition)
    )
    found = {
        _said_before(instance, record.key, partition)
        if record.status is AssetCheckExecutionRecordStatus.PLANNED
        else _said(record)
        for record in records.values()
    }
    return next((worst for worst in (Soundness.BLOCKED, Soundness.UNCHECKED) if worst in found), Soundness.SOUND)


def _said_before(instance: dg.DagsterInstance, check: dg.AssetCheckKey, partition: str | None) -> Soundness:
    """What a check says that was planned: what it said before, if the asset was not made again since.

    A run that failed before it made the asset leaves its checks planned for ever.
    """
    evaluated = instance.event_log_storage.get_asset_check_execution_history(
        check,
        limit=1,
        status={AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED},
        partition_filter=PartitionKeyFilter(key=partition),
    )
    made = _last(instance, check.asset_key, partition)
    if not evaluated or made is None or _target(evaluated[0]) != made.storage_id:
        return Soundness.UNCHECKED
    return _said(evaluated[0])


def _target(record: AssetCheckExecutionRecord) -> int | None:
    """The materialisation that a check was made of."""
    evaluation = record.event.asset_check_evaluation if record.event else None
    target = evaluation.target_materialization_data if evaluation else None
    return target.storage_id if target else None


def _said(record: AssetCheckExecutionRecord) -> Soundness:
    evaluation = record.event.asset_check_evaluation if record.event else None
    failed = evaluation is not None and not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR
    return Soundness.BLOCKED if failed else Soundness.SOUND


def month_soundness(instance: dg.DagsterInstance, month: str) -> Soundness:
    """What the blocking checks of a clean month (`2024-01`) said last."""
    return soundness(instance, CLEAN_TRIPS_CHECKS, f"{month}-01")


def untried_classes(instance: dg.DagsterInstance) -> set[str | None]:
    """The classes that are out of date, and that nobody has tried to train since the training set was made."""
    training_set = _last(instance, TRAINING_SET, None)
    tried = instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(
        SKLEARN_MODELS, after_storage_id=training_set.storage_id if training_set else None
    )
    return out_of_date(instance, SKLEARN_MODELS) - tried.keys()


def made_of_tags(inputs: str | None) -> dict[str, str] | None:
    """The tags of a materialisation that was made of something."""
    return {MADE_OF_TAG: inputs} if inputs else None


def data_version(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str | None = None) -> str | None:
    """The data version of the last materialisation; its time where it has none, as one that was made elsewhere."""
    made = _last(instance, asset, partition)
    return made.data_version if made else None


def last_metadata(instance: dg.DagsterInstance, asset: dg.AssetKey, label: str) -> str | None:
    """A text among the metadata of the last materialisation of an asset."""
    made = _last(instance, asset, None)
    value = made.metadata.get(label) if made else None
    return str(value.value) if value is not None else None


@dataclass(frozen=True)
class _Made:
    storage_id: int
    data_version: str
    made_of: str | None
    metadata: Mapping[str, dg.MetadataValue]


def _last(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str | None) -> _Made | None:
    """The last materialisation of an asset partition."""
    partitions = [partition] if partition is not None else None
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=partitions), limit=1
    ).records
    if not records or (made := records[0].asset_materialization) is None:
        return None
    tags = made.tags or {}
    version = tags.get("dagster/data_version") or str(records[0].event_log_entry.timestamp)
    return _Made(records[0].storage_id, version, tags.get(MADE_OF_TAG), made.metadata)


def _stands_for(versions: Mapping[str, str]) -> str:
    # A tag of an event takes 63 characters.
    return hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()[:32]
