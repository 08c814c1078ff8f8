"""What a trip file must have. Each service names its columns differently; a new service is one more row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxi_assets.errors import SettingError, TripFileError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Service:
    """A kind of taxi, and how its files name the columns that we use."""

    name: str
    pickup_datetime: str
    dropoff_datetime: str
    PULocationID: str = "PULocationID"
    DOLocationID: str = "DOLocationID"
    trip_distance: str = "trip_distance"

    def columns(self) -> dict[str, str]:
        """The file's name for each column of the common schema."""
        return {name: getattr(self, name) for name in REQUIRED_TYPES}


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service("green", "lpep_pickup_datetime", "lpep_dropoff_datetime"),
        Service("yellow", "tpep_pickup_datetime", "tpep_dropoff_datetime"),
    )
}

REQUIRED_TYPES: Mapping[str, str] = {
    "pickup_datetime": "timestamp",
    "dropoff_datetime": "timestamp",
    "PULocationID": "number",
    "DOLocationID": "number",
    "trip_distance": "number",
}
"""The columns of the common schema, and the kind of type that a file must give them."""


def service_named(name: str) -> Service:
    """A service by its name.

    Raises:
        SettingError: there is no such service.
    """
    if name not in SERVICES:
        raise SettingError(f"TAXI_SERVICE={name!r} is unknown: it is one of {', '.join(SERVICES)}.")
    return SERVICES[name]


def require_columns(schema: "pa.Schema", service: Service, where: str) -> None:
    """Check that a table or file has every column that we use, with a type that we can read.

    Raises:
        TripFileError: names the first column that is missing or of another type.
    """
    for column, problem in column_problems(schema, service).items():
        raise TripFileError(
            f"{where}: column {column!r} {problem}. Is it a file of {service.name} trips (TAXI_SERVICE)?"
        )


def column_problems(schema: "pa.Schema", service: Service) -> dict[str, str]:
    """What is wrong with the columns that we use, by the file's column name; empty where all is well."""
    problems = {}
    for name, column in service.columns().items():
        if column not in schema.names:
            problems[column] = "is missing"
        elif not _is_readable(schema.field(column).type, REQUIRED_TYPES[name]):
            problems[column] = f"is {schema.field(column).type}, not a {REQUIRED_TYPES[name]}"
    return problems


def _is_readable(type_: "pa.DataType", kind: str) -> bool:
    from pyarrow import types

    if kind == "timestamp":
        return bool(types.is_timestamp(type_))
    return bool(types.is_integer(type_) or types.is_floating(type_))
