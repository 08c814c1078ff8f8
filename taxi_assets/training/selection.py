"""Which of the stored models is the best."""

import math

from taxi_assets.errors import StoredError
from taxi_assets.storage.locations import TRAINING_SET, model
from taxi_assets.storage.publish import Store
from taxi_assets.training.model import ModelRecord
from taxi_assets.training.model_files import load_record
from taxi_assets.training.search_spaces import MODEL_NAMES


def best_stored_model(store: Store) -> ModelRecord:
    """The record of the model with the least validation RMSE among those of the current training set.

    Models of an earlier training set were judged on other rows, so that their figures do not compare.

    Raises:
        StoredError: there is no training set, or no model of it, or a model is not what was stored.
    """
    training_set = store.existing(TRAINING_SET).digest
    stored = [name for name in MODEL_NAMES if store.current(model(name)) is not None]
    records = [store.read_verified(model(name), lambda folder, _: load_record(folder)) for name in stored]
    current = [
        record for record in records if record.training_set == training_set and math.isfinite(record.metrics.rmse)
    ]
    if not current:
        raise StoredError("There is no model of the current training set yet: train one first, as `taxi run` does.")
    return min(current, key=lambda record: record.metrics.rmse)
