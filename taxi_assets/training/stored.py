"""Training on the stored training set, and storing the model."""

from collections.abc import Callable
from pathlib import Path

from taxi_assets.features.training_set import TrainingSet
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version
from taxi_assets.training.model import ModelRecord, TrainedModel
from taxi_assets.training.model_files import save_model


def train_and_store(
    store: Store,
    name: str,
    train: Callable[[TrainingSet, Version], TrainedModel],
    keep: Callable[[TrainedModel, TrainingSet, Path], None] = lambda *_: None,
) -> tuple[ModelRecord, Version]:
    """Train a model on the stored training set and store it.

    Args:
        store: where the training set is, and where the model goes.
        name: one of `search_spaces.MODEL_NAMES`.
        train: fits the model; it is given the training set and its version.
        keep: keeps a trace of the model elsewhere, of its files in a folder too; where it raises, nothing is stored.

    Raises:
        StoredError: there is no training set, or it is not what was stored.
    """

    def load_and_train(folder: Path, version: Version) -> tuple[ModelRecord, Version]:
        data = TrainingSet.load(folder)
        model = train(data, version)
        with store.draft(locations.model(name)) as draft:
            save_model(model, draft.folder)
            keep(model, data, draft.folder)
            draft.facts.update(
                training_set=model.record.training_set,
                synthetic=model.record.facts["synthetic"],
                rmse=model.record.metrics.rmse,
            )
        return model.record, draft.published

    return store.read_verified(locations.TRAINING_SET, load_and_train)
