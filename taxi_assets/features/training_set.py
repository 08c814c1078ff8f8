"""The training set: the matrices of one window of months, in memory and on disk."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from taxi_assets.errors import StoredError
from taxi_assets.features.encoder import TripEncoder

MATRICES = ("X", "X_train", "X_val")
VECTORS = ("y", "y_train", "y_val", "inner")
ENCODERS = ("encoder", "encoder_all")
SHAPES = "shapes.json"


@dataclass(frozen=True)
class TrainingSet:
    """Matrices and targets of n trips, of which t train and v validate (t + v = n).

    Attributes:
        X: all trips, n × m, encoded with `encoder_all`.
        X_train: the training trips, t × k, encoded with `encoder`.
        X_val: the validation trips, v × k, encoded with `encoder`.
        y, y_train, y_val: their targets (durations in minutes), float64.
        encoder: the encoder of the training trips: what a model fitted on `X_train` is used with.
        encoder_all: the encoder of all trips: what a model fitted on `X` is used with.
        inner: t booleans, the last fifth of the training trips in time. Tuning is judged on these,
            so that the validation trips are looked at once.
    """

    X: csr_matrix
    X_train: csr_matrix
    X_val: csr_matrix
    y: npt.NDArray[np.float64]
    y_train: npt.NDArray[np.float64]
    y_val: npt.NDArray[np.float64]
    encoder: TripEncoder
    encoder_all: TripEncoder
    inner: npt.NDArray[np.bool_]

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Rows and columns of the three matrices, by name."""
        return {name: getattr(self, name).shape for name in MATRICES}

    def consistent_shapes(self) -> dict[str, tuple[int, int]]:
        """The shapes that the matrices must have, judged by the targets, the encoders and each other."""
        width_all, width = (len(encoder.get_feature_names_out()) for encoder in (self.encoder_all, self.encoder))
        return {
            "X": (len(self.y), width_all),
            "X_train": (len(self.y_train), width),
            "X_val": (self.X.shape[0] - self.X_train.shape[0], self.X_train.shape[1]),
        }

    def save(self, folder: Path) -> None:
        """Write npy and JSON files into an existing folder. Equal sets give equal bytes."""
        for name in MATRICES:
            matrix = getattr(self, name)
            for part in ("data", "indices", "indptr"):
                np.save(folder / f"{name}.{part}.npy", getattr(matrix, part), allow_pickle=False)
        for name in VECTORS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        for name in ENCODERS:
            (folder / f"{name}.json").write_text(getattr(self, name).to_json(), encoding="utf-8")
        (folder / SHAPES).write_text(json.dumps(self.shapes()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrainingSet":
        """Read what `save` wrote; matrices and vectors are memory-mapped, read-only.

        Raises:
            FileNotFoundError: a file is missing.
            StoredError: a file is not what `save` writes.
        """
        try:
            shapes = json.loads((folder / SHAPES).read_text(encoding="utf-8"))
            parts: dict[str, Any] = {name: _load_matrix(folder, name, shapes[name]) for name in MATRICES}
            parts |= {name: _load_array(folder / f"{name}.npy") for name in VECTORS}
            parts |= {
                name: TripEncoder.from_json((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ENCODERS
            }
        except (ValueError, KeyError, TypeError, EOFError) as error:
            raise StoredError(f"The training set in {folder} is damaged: {error}.") from error
        return cls(**{field.name: parts[field.name] for field in fields(cls)})


def _load_array(path: Path) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _load_matrix(folder: Path, name: str, shape: list[int]) -> csr_matrix:
    data, indices, indptr = (_load_array(folder / f"{name}.{part}.npy") for part in ("data", "indices", "indptr"))
    return csr_matrix((data, indices, indptr), shape=tuple(shape), copy=False)
