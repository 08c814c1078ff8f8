"""From a training set to a trained model: tune, fit on the training rows, judge, fit on all rows.

Selection is honest: tuning and early stopping look at the last fifth, in time, of the training rows.
The validation rows are predicted once, by the fit that is reported. `select_on="validation"` looks at
them while tuning too, as the course project does: its figures flatter the model.
"""

import json
import logging
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.pipeline import Pipeline

from taxi_assets.errors import SettingError
from taxi_assets.features.encoder import TripEncoder
from taxi_assets.features.training_set import TrainingSet
from taxi_assets.training.dimensions import Bounds, Space, with_bounds
from taxi_assets.training.evaluation import Vector, evaluate, evaluate_mean_predictor
from taxi_assets.training.model import ModelRecord, TrainedModel, predict_encoded
from taxi_assets.training.search_spaces import SELECT_ON, XGBOOST, ModelClass, SelectOn, sklearn_class
from taxi_assets.training.tuning import Followers, Outcome, Parameters, Trial, best_trial, describe_space, tune

log = logging.getLogger(__name__)

Steps = list[tuple[str, Any]]

DEVICES = ("cpu", "cuda")

LIBRARIES = ("scikit-learn", "xgboost", "hyperopt", "numpy", "scipy")


def train_sklearn_model(
    name: str,
    data: TrainingSet,
    *,
    training_set: str = "",
    facts: Mapping[str, Any] | None = None,
    max_evaluations: int = 1,
    random_state: int = 7,
    select_on: SelectOn = "training",
    space: Bounds | None = None,
    followers: Followers | None = None,
) -> TrainedModel:
    """Tune and fit a model of one scikit-learn class.

    Args:
        name: one of `search_spaces.SKLEARN_CLASSES`.
        data: the training set.
        training_set: its digest, for the record.
        facts: what it was made from, for the record.
        max_evaluations: trials of the search.
        random_state: seed of the search and of the fits.
        select_on: what the search looks at, see the module.
        space: other bounds than those of `search_spaces`, by parameter.
        followers: who remembers the trials and who watches them.

    Raises:
        SettingError: the class is unknown, or a setting is impossible.
    """
    model = sklearn_class(name)
    fit_X, fit_y, look_X, look_y = _selection_rows(data, select_on)

    def objective(parameters: Parameters) -> Outcome:
        steps = _fit_steps(model, parameters, random_state, fit_X, fit_y)
        return Outcome(evaluate(look_y, Pipeline(steps).predict(look_X)).rmse)

    searched = with_bounds(model.space, space or {})
    trials = tune(
        name,
        searched,
        objective,
        max_evaluations,
        random_state,
        search=_search(name, training_set, searched, select_on, {"random_state": random_state}),
        followers=followers,
    )
    parameters = best_trial(trials).parameters

    def fit(X: csr_matrix, y: Vector) -> Steps:
        return _fit_steps(model, parameters, random_state, X, y)

    training_steps = fit(data.X_train, data.y_train)
    final_steps = fit(data.X, data.y)
    return _trained(
        name, data, training_steps, final_steps, parameters, trials, select_on, random_state, training_set, facts
    )


def train_xgboost_model(
    data: TrainingSet,
    *,
    training_set: str = "",
    facts: Mapping[str, Any] | None = None,
    max_evaluations: int = 3,
    early_stopping_rounds: int = 3,
    max_depth: int = 10,
    random_state: int = 7,
    device: str = "cpu",
    select_on: SelectOn = "training",
    space: Bounds | None = None,
    followers: Followers | None = None,
) -> TrainedModel:
    """Tune and fit an XGBoost model.

    The number of rounds that early stopping chose in the best trial is carried over to both fits, in
    proportion to the training rows: the trial was fitted on four fifths of them, and more rows bear more rounds.

    Args:
        data, training_set, facts, max_evaluations, random_state, select_on: as `train_sklearn_model`.
        space, followers: as `train_sklearn_model`.
        early_stopping_rounds: a trial stops when so many rounds brought no better RMSE.
        max_depth: of every tree, in the trials as in the fits.
        device: `cpu` or `cuda`.

    Raises:
        SettingError: a setting is impossible.
    """
    import xgboost as xgb

    for setting, value in (("early_stopping_rounds", early_stopping_rounds), ("max_depth", max_depth)):
        if value < 1:
            raise SettingError(f"{setting}={value}: at least 1 is needed.")
    _require_device(device)
    fit_X, fit_y, look_X, look_y = _selection_rows(data, select_on)
    constants = {
        "objective": "reg:squarederror",
        "max_depth": max_depth,
        "seed": random_state,
        "device": device,
        "tree_method": "hist",
    }
    # One matrix for all trials. The rows to look at stay a plain DMatrix: as a QuantileDMatrix with
    # `ref` they made early stopping forty times slower on one-hot columns.
    fit_matrix = xgb.QuantileDMatrix(fit_X, fit_y)
    look_matrix = xgb.DMatrix(look_X, look_y)

    def objective(drawn: Parameters) -> Outcome:
        booster = xgb.train(
            constants | _without_rounds(drawn),
            fit_matrix,
            num_boost_round=drawn["num_boost_round"],
            evals=[(look_matrix, "look")],
            early_stopping_rounds=early_stopping_rounds,
            verbose_eval=False,
        )
        return Outcome(float(booster.best_score), booster.best_iteration + 1)

    searched = with_bounds(XGBOOST.space, space or {})
    trials = tune(
        XGBOOST.name,
        searched,
        objective,
        max_evaluations,
        random_state,
        search=_search(
            XGBOOST.name,
            training_set,
            searched,
            select_on,
            constants | {"early_stopping_rounds": early_stopping_rounds},
        ),
        followers=followers,
    )
    best = best_trial(trials)
    rounds = round((best.rounds or best.parameters["num_boost_round"]) * data.X_train.shape[0] / fit_X.shape[0])
    parameters = constants | _without_rounds(best.parameters)

    def fit(X: csr_matrix, y: Vector) -> Steps:
        booster = xgb.train(parameters, xgb.QuantileDMatrix(X, y), num_boost_round=rounds)
        # One thread a prediction, on the processor: a served trip is one row.
        booster.set_param({"device": "cpu", "nthread": 1})
        estimator = xgb.XGBRegressor(n_jobs=1)
        estimator.load_model(booster.save_raw("ubj"))
        return [("estimator", estimator)]

    training_steps = fit(data.X_train, data.y_train)
    final_steps = fit(data.X, data.y)
    recorded = parameters | {"num_boost_round": rounds, "early_stopping_rounds": early_stopping_rounds}
    return _trained(
        XGBOOST.name, data, training_steps, final_steps, recorded, trials, select_on, random_state, training_set, facts
    )


def _require_device(device: str) -> None:
    """Check that XGBoost can train there: by itself it goes on without a GPU, with a warning."""
    import xgboost as xgb

    if device not in DEVICES:
        raise SettingError(f"device={device!r} is unknown: it is {' or '.join(DEVICES)}.")
    if device == "cpu":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probe = xgb.train({"device": device}, xgb.DMatrix(np.zeros((2, 1)), np.zeros(2)), 1)
    used: str = json.loads(probe.save_config())["learner"]["generic_param"]["device"]
    if not used.startswith(device):
        raise SettingError(f"device={device!r} cannot be used: XGBoost finds no GPU. Use cpu (TAXI_DEVICE).")


def _selection_rows(data: TrainingSet, select_on: SelectOn) -> tuple[csr_matrix, Vector, csr_matrix, Vector]:
    """The rows that a trial is fitted on and the rows that it is judged on, each matrix and target."""
    if select_on == "validation":
        return data.X_train, data.y_train, data.X_val, data.y_val
    if select_on == "training":
        inner = np.asarray(data.inner)
        return data.X_train[~inner], data.y_train[~inner], data.X_train[inner], data.y_train[inner]
    raise SettingError(f"select_on={select_on!r} is unknown: it is {' or '.join(SELECT_ON)}.")


def _search(
    name: str, training_set: str, space: Space, select_on: SelectOn, constants: Mapping[str, Any]
) -> dict[str, Any]:
    """All that the outcome of a trial depends on."""
    return {
        "model": name,
        "training_set": training_set,
        "space": describe_space(space),
        "select_on": select_on,
        "constants": dict(constants),
        "libraries": library_versions(),
    }


def library_versions() -> dict[str, str]:
    """The versions of the libraries that a fit depends on."""
    return {library: version(library) for library in LIBRARIES}


def _without_rounds(parameters: Parameters) -> Parameters:
    return {name: value for name, value in parameters.items() if name != "num_boost_round"}


def _fit_steps(model: ModelClass, parameters: Parameters, random_state: int, X: csr_matrix, y: Vector) -> Steps:
    from sklearn.preprocessing import MaxAbsScaler

    estimator = model.estimator(parameters, random_state)
    steps: Steps = [("estimator", estimator)]
    if model.scaled:
        # Of the scalers that keep a matrix sparse, this one gave the least RMSE and the fastest fits.
        steps.insert(0, ("scaler", MaxAbsScaler()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Pipeline(steps).fit(X, y)
    for message in dict.fromkeys(str(warning.message).splitlines()[0] for warning in caught):
        log.warning("%s: %s", model.name, message)
    if model.parallel:
        # Several threads add the trees' answers in any order, so that the last bits differ from call to call.
        estimator.set_params(n_jobs=1)
    return steps


def _trained(
    name: str,
    data: TrainingSet,
    training_steps: Steps,
    final_steps: Steps,
    parameters: Parameters,
    trials: list[Trial],
    select_on: str,
    random_state: int,
    training_set: str,
    facts: Mapping[str, Any] | None,
) -> TrainedModel:
    training_fit = _pipeline(data.encoder, training_steps)
    record = ModelRecord(
        name=name,
        parameters=parameters,
        metrics=evaluate(data.y_val, predict_encoded(training_fit, data.X_val)),
        mean_predictor=evaluate_mean_predictor(data.y_train, data.y_val),
        trials=trials,
        select_on=select_on,
        random_state=random_state,
        training_set=training_set,
        facts=dict(facts or {}),
        libraries=library_versions(),
    )
    log.info("%s: RMSE %.4f and MAE %.4f minutes on the validation rows", name, record.metrics.rmse, record.metrics.mae)
    return TrainedModel(record, training_fit, _pipeline(data.encoder_all, final_steps))


def _pipeline(encoder: TripEncoder, steps: Steps) -> Pipeline:
    return Pipeline([("encoder", encoder), *steps])
