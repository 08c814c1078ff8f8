"""Two months, cleaned and encoded: `clean_trips` and `build_training_set` against the course's way.

Claim: the same matrices, at least 20 times faster.

The course's way is pandas with a call a row for the durations, a dict a row for the features, and
scikit-learn's DictVectorizer. Before anything is measured, both sides are compared: X, X_train and
X_val must have the same shapes, entries and column names and a maximum difference of 0, and the
targets must be equal. Reading the parquet files is not measured, on
either side.

    .venv/bin/python benchmarks/encode.py [--trips FOLDER] [--sample] [--rounds N]

`--trips` holds the published green 2024-01 and 2024-02; `--sample` makes two synthetic months
instead. Prints the shapes, the seconds of every round, each side's median, and on the last line the
ratio: the median over the rounds of the course's time divided by ours.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from alternate import ROOT, alternate, ratio, timed, verdict
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer

from taxi_assets.features import TrainingSet, build_training_set
from taxi_assets.trips import clean_trips
from taxi_assets.trips.sample import write_sample_month

MONTHS = ("2024-01", "2024-02")
SPLIT = "2024-02-01"
SAMPLE_ROWS = 55_000
CLAIM = 20.0


@dataclass(frozen=True)
class CourseSet:
    """What the course's way makes."""

    X: csr_matrix
    X_train: csr_matrix
    X_val: csr_matrix
    y: np.ndarray
    y_train: np.ndarray
    y_val: np.ndarray
    vectorizer: DictVectorizer
    vectorizer_all: DictVectorizer


def ours(table: pa.Table) -> TrainingSet:
    return build_training_set(clean_trips(table), split_on_feature_value=SPLIT)


def course(df: pd.DataFrame) -> CourseSet:
    df["duration"] = df.lpep_dropoff_datetime - df.lpep_pickup_datetime
    df.duration = df.duration.apply(lambda td: td.total_seconds() / 60)
    df = df[(df.duration >= 1) & (df.duration <= 60)].copy()
    categorical = ["PULocationID", "DOLocationID"]
    df[categorical] = df[categorical].astype(str)
    df["PU_DO"] = df["PULocationID"] + "_" + df["DOLocationID"]
    train, val = df[df.lpep_pickup_datetime < SPLIT], df[df.lpep_pickup_datetime >= SPLIT]

    features = ["PU_DO", "trip_distance"]
    vectorizer_all, vectorizer = DictVectorizer(), DictVectorizer()
    return CourseSet(
        X=vectorizer_all.fit_transform(df[features].to_dict(orient="records")),
        X_train=vectorizer.fit_transform(train[features].to_dict(orient="records")),
        X_val=vectorizer.transform(val[features].to_dict(orient="records")),
        y=df.duration.to_numpy(),
        y_train=train.duration.to_numpy(),
        y_val=val.duration.to_numpy(),
        vectorizer=vectorizer,
        vectorizer_all=vectorizer_all,
    )


def require_equal(mine: TrainingSet, theirs: CourseSet) -> None:
    for name in ("X", "X_train", "X_val"):
        a, b = getattr(mine, name), getattr(theirs, name)
        assert a.shape == b.shape, f"{name}: {a.shape} is not {b.shape}"
        assert a.nnz == b.nnz, f"{name}: {a.nnz} entries are not {b.nnz}"
        difference = abs(a - b).max()
        assert difference == 0, f"{name} differs by up to {difference}"
        print(f"{name}: {a.shape[0]} × {a.shape[1]}, maximum difference {difference:.1f}")
    for name in ("y", "y_train", "y_val"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name)), f"{name} differs"
    assert mine.encoder.get_feature_names_out().tolist() == theirs.vectorizer.feature_names_
    assert mine.encoder_all.get_feature_names_out().tolist() == theirs.vectorizer_all.feature_names_


def read_months(folder: Path) -> pa.Table:
    return pa.concat_tables(
        (pq.read_table(folder / f"green_tripdata_{month}.parquet") for month in MONTHS), promote_options="permissive"
    )


def read_sample_months() -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        for month in MONTHS:
            target = Path(folder) / f"green_tripdata_{month}.parquet"
            write_sample_month(target, "green", month, SAMPLE_ROWS, seed=42)
        return read_months(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description="Clean and encode two months, against the course's way.")
    parser.add_argument("--trips", type=Path, default=ROOT.parent / "shared/data/green", help="folder of real months")
    parser.add_argument("--sample", action="store_true", help="make synthetic months instead")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if not options.sample and not options.trips.is_dir():
        parser.error(f"{options.trips} is not a folder: name the real months with --trips, or give --sample.")

    table = read_sample_months() if options.sample else read_months(options.trips)
    frame = table.to_pandas()
    print(f"{'synthetic' if options.sample else 'real'} green {' and '.join(MONTHS)}: {table.num_rows} trips")
    require_equal(ours(table), course(frame.copy()))
    # The course's way writes into its frame: each round gets a copy, which is not measured.
    measured = alternate(
        {"course": lambda: timed(course, frame.copy()), "taxi_assets": lambda: timed(ours, table)}, options.rounds
    )
    faster = ratio(measured)
    print(f"encode: {faster:.1f} times faster than the course's way; claim: at least {CLAIM:.0f}: ", end="")
    print(verdict(faster >= CLAIM))


if __name__ == "__main__":
    main()
