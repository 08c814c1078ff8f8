"""A month of trips: its schema, where it comes from, the sample generator, the cleaning.

`clean_trips` is the public function; it is imported on first use, because it needs polars.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxi_assets.trips.cleaning import clean_trips

__all__ = ["clean_trips"]


def __getattr__(name: str) -> Any:
    if name == "clean_trips":
        from taxi_assets.trips.cleaning import clean_trips

        return clean_trips
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
