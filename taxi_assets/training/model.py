"""What a trained model is: two fits with their encoders, and the record of how they came to be."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from taxi_assets.training.evaluation import Metrics
from taxi_assets.training.tuning import Trial


@dataclass(frozen=True)
class ModelRecord:
    """How a model was made, and how good it is.

    Attributes:
        name: one of `search_spaces.MODEL_NAMES`.
        parameters: those of the final estimator, with the boosting rounds of XGBoost.
        metrics: of the training fit on the validation rows.
        mean_predictor: the same of always predicting the mean of the training rows.
        trials: all that the search evaluated, in their order.
        select_on: what tuning and early stopping looked at: `training` (an inner split of it) or `validation`.
        random_state: the seed of the search and of the fits.
        training_set: digest of the training set.
        facts: what the training set was made from, as it was stored with it.
        libraries: the versions of the libraries that fitted it.
    """

    name: str
    parameters: dict[str, Any]
    metrics: Metrics
    mean_predictor: Metrics
    trials: list[Trial]
    select_on: str
    random_state: int
    training_set: str
    facts: dict[str, Any]
    libraries: dict[str, str]


@dataclass(frozen=True)
class TrainedModel:
    """A model's record and its two fits, scikit-learn pipelines from raw trips to minutes.

    Attributes:
        training_fit: fitted on the training rows, with their encoder: the one that is judged.
        final_fit: the same parameters fitted on all rows, with the encoder of all rows: the one that serves.
    """

    record: ModelRecord
    training_fit: Any
    final_fit: Any


def predict_encoded(pipeline: Any, matrix: csr_matrix) -> npt.NDArray[np.float64]:
    """Predictions in minutes for n rows that the pipeline's own encoder has encoded already."""
    predictions: npt.NDArray[Any] = pipeline[1:].predict(matrix)
    return predictions.astype(np.float64)
