"""From trips to matrices: feature sets, the encoder, the split, the training set on disk.

`build_training_set` is the public function; names are imported on first use, because they need scikit-learn.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxi_assets.features.build import build_training_set
    from taxi_assets.features.encoder import TripEncoder
    from taxi_assets.features.training_set import TrainingSet

__all__ = ["TrainingSet", "TripEncoder", "build_training_set"]


def __getattr__(name: str) -> Any:
    if name == "build_training_set":
        from taxi_assets.features.build import build_training_set

        return build_training_set
    if name == "TripEncoder":
        from taxi_assets.features.encoder import TripEncoder

        return TripEncoder
    if name == "TrainingSet":
        from taxi_assets.features.training_set import TrainingSet

        return TrainingSet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
