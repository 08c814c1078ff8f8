"""Where each thing lies: its key below the root of the store."""

TRAINING_SET = "training_set"
XGBOOST_MODEL = "xgboost_model"
RAW_TRIPS = "raw_trips"
CLEAN_TRIPS = "clean_trips"
SKLEARN_MODELS = "sklearn_models"
TRIALS = "trials"


def raw_trips(month: str) -> str:
    """Key of a month (`YYYY-MM`) as published."""
    return f"{RAW_TRIPS}/{month}"


def clean_trips(month: str) -> str:
    """Key of a cleaned month (`YYYY-MM`)."""
    return f"{CLEAN_TRIPS}/{month}"


def month_of(key: str) -> str:
    """The month (`YYYY-MM`) of a key of either."""
    return key.rpartition("/")[2]


def model(name: str) -> str:
    """Key of a trained model: `xgboost_model`, or a scikit-learn class as `linear_model.Lasso`."""
    return XGBOOST_MODEL if name == XGBOOST_MODEL else f"{SKLEARN_MODELS}/{name}"


def trials(name: str) -> str:
    """Key of the trials of a model's last search."""
    return f"{TRIALS}/{name}"
