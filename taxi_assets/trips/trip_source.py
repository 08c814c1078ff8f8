"""What every source of trips can do: tell which months it has published, and bring one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taxi_assets.trips.schema import Service

if TYPE_CHECKING:
    from taxi_assets.trips.trip_file import TripFile

FILE_NAME = "{service}_tripdata_{year}-{month}.parquet"


@dataclass(frozen=True)
class FetchedMonth:
    """A month's file that was fetched and read whole. The fingerprint tells its version at the source."""

    path: Path
    fingerprint: str
    content: "TripFile"


class TripSource(ABC):
    """A place that has months of trips of one service."""

    synthetic = False

    def __init__(self, service: Service) -> None:
        self.service = service

    @abstractmethod
    def published(self, first: str, last: str, *, settled_seconds: float = 0) -> dict[str, str]:
        """What the source has of the months from `first` to `last`, and in which version. Downloads nothing.

        Args:
            first: the first month.
            last: the last month.
            settled_seconds: how long a file of a local folder must have been left alone to count: see
                SETTLED_SECONDS. The first that a look with 0 sees may be half a file.

        Returns:
            The months in order, each with the fingerprint that `fetch` gives for the same version.

        Raises:
            SettingError: the range ends before it begins, or the source may not be read.
            SourceUnavailableError: the source is not there or did not answer, be it for one month only.
        """

    @abstractmethod
    def address(self, month: str) -> str:
        """Where the month comes from, for people to read."""

    @abstractmethod
    def fetch(self, month: str, folder: Path) -> FetchedMonth:
        """Bring a month's file into a folder, byte for byte as published, and read it whole.

        Raises:
            MonthNotFoundError: the source does not have the month.
            SettingError: the source may not be read.
            SourceUnavailableError: the source is not there or did not answer, also when tried again.
            TripFileError: what the source has is not a whole, readable trip file.
        """

    def file_name(self, month: str) -> str:
        """The official name of a month's file."""
        return fill(FILE_NAME, self.service.name, month)


def fill(template: str, service: str, month: str) -> str:
    """A template with its `{service}`, `{year}` and `{month}` filled in."""
    year, number = month.split("-")
    return template.format(service=service, year=year, month=number)
