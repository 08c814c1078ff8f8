"""The asset `training_set`: the matrices of one window of months, split in training and validation rows. Its checks."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from taxi_assets.defs.checks import Stored, Verdict, stored_check
from taxi_assets.defs.clean_trips import clean_trips
from taxi_assets.defs.conditions import WHEN_MONTHS_CHANGED
from taxi_assets.defs.failures import RETRY_POLICY, clear_failures
from taxi_assets.defs.made_of import Soundness, made_of_tags, month_soundness, training_set_inputs
from taxi_assets.defs.resources import StorageResource
from taxi_assets.defs.retraining import beside_others
from taxi_assets.storage import locations


class TrainingSetConfig(dg.Config):
    """Which trips train, which validate, and what is made of them."""

    months: list[str] = Field(default=[], description="Months as 2024-01; empty for the newest two that are clean.")
    split_on_feature: str = Field(
        default="pickup_datetime", description="The column that decides which trips train and which validate."
    )
    split_on_feature_value: str | None = Field(
        default=None,
        description="Trips below this value train, the others validate. Default: first day of the newest month.",
    )
    target: str = Field(default="duration", description="The column to predict.")
    feature_set: str = Field(default="course", description="Name of the features: course.")


@dg.asset(
    deps=[clean_trips],
    group_name="training",
    kinds={"numpy", "scikitlearn"},
    owners=["team:taxi"],
    code_version="1",
    retry_policy=RETRY_POLICY,
    automation_condition=WHEN_MONTHS_CHANGED,
)
def training_set(
    context: dg.AssetExecutionContext, config: TrainingSetConfig, storage: StorageResource
) -> dg.MaterializeResult:
    """Sparse matrices and targets of a window of months, with the encoders that made them."""
    from taxi_assets.features.window import newest_clean_months, store_training_set

    with clear_failures(), beside_others(context):
        made_of = training_set_inputs(context.instance)
        store = storage.open()
        months = config.months or newest_clean_months(
            store, lambda month: month_soundness(context.instance, month) is Soundness.SOUND
        )
        context.log.info(f"Building the training set of {', '.join(months)}")
        version = store_training_set(
            store,
            months,
            split_on_feature=config.split_on_feature,
            split_on_feature_value=config.split_on_feature_value,
            target=config.target,
            feature_set=config.feature_set,
        )
        shapes = store.read(locations.TRAINING_SET, lambda folder, _: _shapes(folder))
    facts = version.facts
    metadata: dict[str, dg.MetadataValue] = {}
    for name, (rows, columns) in shapes.items():
        metadata[f"{name}_rows"] = dg.MetadataValue.int(rows)
        metadata[f"{name}_columns"] = dg.MetadataValue.int(columns)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.digest),
        tags=made_of_tags(made_of),
        metadata=metadata
        | {
            "dagster/row_count": shapes["X"][0],
            "months": ", ".join(facts["months"]),
            "split": f"{facts['split_on_feature']} < {facts['split_on_feature_value']}",
            "feature_set": facts["feature_set"],
            "bytes": sum(file.size for file in version.files.values()),
            "synthetic": facts["synthetic"],
        },
    )


def _shapes(folder: Path) -> dict[str, tuple[int, int]]:
    from taxi_assets.features.training_set import TrainingSet

    return TrainingSet.load(folder).shapes()


def _shape_check(matrix: str, name: str, description: str) -> dg.AssetChecksDefinition:
    def judge(stored: Stored) -> Verdict:
        from taxi_assets.features.known_windows import known_shapes
        from taxi_assets.features.training_set import TrainingSet

        data = TrainingSet.load(stored.folder)
        consistent, actual = data.consistent_shapes()[matrix], data.shapes()[matrix]
        known = known_shapes(stored.version.facts)
        expected = known[matrix] if known else consistent
        return Verdict(actual == expected == consistent, {matrix: expected}, {matrix: actual})

    return stored_check(
        training_set,
        name,
        key=lambda _: locations.TRAINING_SET,
        judge=judge,
        blocking=True,
        description=f"{description} Months whose raw files are known must give the known shape exactly.",
    )


ASSET = training_set
CHECKS = (
    _shape_check("X", "dataset_shape", "X has a row for each target and a column for each feature of all trips."),
    _shape_check(
        "X_train", "training_shape", "X_train has a row for each training target and a column for each feature."
    ),
    _shape_check("X_val", "validation_shape", "X_val has the rows of X that do not train, and the columns of X_train."),
)
