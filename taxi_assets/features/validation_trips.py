"""The validation trips of a training set, as raw trips: what models of other training sets are judged on too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from taxi_assets.errors import StoredError
from taxi_assets.features.split import rows_below
from taxi_assets.trips.cleaning import CLEAN_SCHEMA

FILE = "validation_trips.parquet"
MONTH = "month"


@dataclass(frozen=True)
class ValidationTrips:
    """The v validation trips of a training set, in the order of `X_val`.

    Attributes:
        trips: v clean trips.
        months: v strings, the month (`YYYY-MM`) of the file that a trip is from.
    """

    trips: pa.Table
    months: pa.Array

    @classmethod
    def of(
        cls, tables: Sequence[pa.Table], months: Sequence[str], training: npt.NDArray[np.bool_]
    ) -> "ValidationTrips":
        """Those of the clean trips of some months that do not train.

        Args:
            tables: the clean trips of each month, n in all.
            months: the months, in the same order.
            training: which of the n trips train.
        """
        validating = pa.array(~training)
        from_months = np.repeat(np.array(months), [len(table) for table in tables])
        return cls(pa.concat_tables(tables).filter(validating), pa.array(from_months).filter(validating))

    def unseen_by_training_fit(self, facts: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Which trips the training fit of a model was not fitted on.

        Args:
            facts: those of the training set of that model: its months and its split.

        Raises:
            SettingError: the split of that training set cannot be made on these trips.
        """
        return self.unseen_by_final_fit(facts) | ~rows_below(
            self.trips, facts["split_on_feature"], facts["split_on_feature_value"]
        )

    def unseen_by_final_fit(self, facts: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """As `unseen_by_training_fit`, of the fit on all rows."""
        seen = pc.is_in(self.months, pa.array(list(facts["months"]), self.months.type))
        return ~np.asarray(seen)

    def save(self, folder: Path) -> None:
        """Write a parquet file into an existing folder. Equal trips give equal bytes."""
        table = self.trips.append_column(MONTH, self.months)
        pq.write_table(table, folder / FILE, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> "ValidationTrips":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: the file is missing.
            StoredError: the file is not what `save` writes.
        """
        try:
            table = pq.read_table(folder / FILE)
            return cls(table.select(CLEAN_SCHEMA.names).cast(CLEAN_SCHEMA), table[MONTH].combine_chunks())
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, KeyError) as error:
            raise StoredError(f"{folder / FILE} does not hold validation trips: {error}.") from error
