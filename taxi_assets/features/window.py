"""The training set of a window of stored months: which months, and building and storing it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from taxi_assets.errors import SettingError
from taxi_assets.features.build import build_training_set
from taxi_assets.features.split import split_rows
from taxi_assets.features.validation_trips import ValidationTrips
from taxi_assets.storage import locations
from taxi_assets.storage.publish import Store
from taxi_assets.storage.versions import Version
from taxi_assets.trips.months import DEFAULT_MONTHS, first_day


def newest_clean_months(store: Store, is_sound: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The newest two months that are stored cleaned.

    Args:
        store: where the months are.
        is_sound: whether a month may be used.

    Raises:
        SettingError: fewer than two are.
    """
    months = [month for key in store.keys(locations.CLEAN_TRIPS) if is_sound(month := locations.month_of(key))]
    if len(months) < DEFAULT_MONTHS:
        raise SettingError(
            f"A training set takes {DEFAULT_MONTHS} clean months, and {', '.join(months) or 'none'} "
            f"{'is' if len(months) == 1 else 'are'} stored and passed the blocking checks: "
            "materialise raw_trips and clean_trips of more, or set `months`."
        )
    return months[-DEFAULT_MONTHS:]


def store_training_set(
    store: Store,
    months: Sequence[str],
    *,
    split_on_feature: str = "pickup_datetime",
    split_on_feature_value: str | None = None,
    target: str = "duration",
    feature_set: str = "course",
) -> Version:
    """Build the training set of stored clean months and store it.

    Args:
        store: where the months are, and where the set goes.
        months: `YYYY-MM` each; their trips follow each other in this order.
        split_on_feature_value: the first day of the newest month where None.
        split_on_feature, target, feature_set: as `build_training_set`.

    Raises:
        SettingError: a month is not stored, or a setting is impossible; nothing is stored then.
    """
    if not months or len(set(months)) < len(months):
        raise SettingError(f"months={list(months)}: a training set needs at least one month, and each once.")
    for month in months:
        if store.current(locations.clean_trips(month)) is None:
            raise SettingError(f"{month} has not been cleaned: materialise raw_trips and clean_trips of it first.")
    tables, versions = zip(
        *(store.read_verified(locations.clean_trips(month), _read_month) for month in months), strict=True
    )
    settings = {
        "split_on_feature": split_on_feature,
        "split_on_feature_value": split_on_feature_value or first_day(max(months)).isoformat(),
        "target": target,
        "feature_set": feature_set,
    }
    trips = pa.concat_tables(tables)
    data = build_training_set(trips, **settings)
    training = split_rows(trips, split_on_feature, settings["split_on_feature_value"])
    with store.draft(locations.TRAINING_SET) as draft:
        data.save(draft.folder)
        ValidationTrips.of(tables, months, training).save(draft.folder)
        draft.facts.update(
            settings,
            months=list(months),
            service=versions[0].facts["service"],
            synthetic=versions[0].facts["synthetic"],
            clean_trips={month: version.digest for month, version in zip(months, versions, strict=True)},
            raw_files=sorted(version.facts["raw_sha256"] for version in versions),
            include_extreme_durations=any(version.facts["include_extreme_durations"] for version in versions),
        )
    return draft.published


def _read_month(folder: Path, version: Version) -> tuple[pa.Table, Version]:
    from taxi_assets.trips.clean_month import FILE

    return pq.read_table(folder / FILE), version
