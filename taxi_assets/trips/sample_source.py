"""The source that makes its months on the spot."""

from pathlib import Path

from typing_extensions import override

from taxi_assets.errors import MonthNotFoundError
from taxi_assets.trips.months import parse_months
from taxi_assets.trips.schema import Service
from taxi_assets.trips.trip_source import FetchedMonth, TripSource


class SampleSource(TripSource):
    """Synthetic months, made when they are fetched."""

    synthetic = True

    def __init__(self, service: Service, months: str, rows: int, seed: int) -> None:
        super().__init__(service)
        self.months = parse_months(months)
        self.rows = rows
        self.seed = seed

    @override
    def published(self, first: str, last: str, *, settled_seconds: float = 0) -> dict[str, str]:
        return {month: self._fingerprint() for month in self.months if first <= month <= last}

    @override
    def address(self, month: str) -> str:
        return f"sample (synthetic, {self.rows:,} trips, seed {self.seed})"

    @override
    def fetch(self, month: str, folder: Path) -> FetchedMonth:
        from taxi_assets.trips.sample import write_sample_month
        from taxi_assets.trips.trip_file import read_trip_file

        if month not in self.months:
            raise MonthNotFoundError(
                f"{month}: the sample source has {self.months[0]} to {self.months[-1]} (TAXI_SAMPLE_MONTHS)."
            )
        path = folder / self.file_name(month)
        write_sample_month(path, self.service.name, month, self.rows, self.seed)
        return FetchedMonth(path, self._fingerprint(), read_trip_file(path, self.service, month))

    def _fingerprint(self) -> str:
        from taxi_assets.trips.sample import GENERATOR_VERSION

        return f"sample-{GENERATOR_VERSION}-{self.seed}-{self.rows}"
