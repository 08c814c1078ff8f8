"""An error about an address says nothing of a token in it, nor do the causes that Dagster stores with it."""

from pathlib import Path

import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from taxi_assets.errors import SettingError, TaxiError
from taxi_assets.trips.source import TripSource, open_source
from taxi_assets_tests.trips.conftest import Site

SECRETS = ("somebody", "HUSH", "SIGNATURE")
HOST = "https://somebody:HUSH@host"
MALFORMED_HOST = "https://somebody:HUSH/HUSH@host"
QUERY = "?sig=SIGNATURE"
MONTH = "{year}-{month}.parquet"


def _open(address: str) -> TripSource:
    return open_source(address, "green", sample_months="2024-01", sample_rows=1, sample_seed=1, attempts=1)


def _with_tokens(site: Site) -> str:
    return f"{site.address.replace('//', '//somebody:HUSH@')}/{MONTH}{QUERY}"


def require_no_secret(error: BaseException) -> None:
    stored = serializable_error_info_from_exc_info((type(error), error, error.__traceback__)).to_string()
    assert not [secret for secret in SECRETS if secret in stored]


@pytest.mark.parametrize("path", ["{moon}.parquet", "{year}.parquet"])
def test_a_template_is_refused_without_its_password(path: str) -> None:
    with pytest.raises(SettingError, match=r"TAXI_TRIPS_URI=https://host/{.*\?…") as refusal:
        _open(f"{HOST}/{path}{QUERY}")
    require_no_secret(refusal.value)


@pytest.mark.usefixtures("no_pause_between_tries")
@pytest.mark.parametrize("status", [404, 418, 500])
def test_what_a_site_answers_is_told_without_a_token(site: Site, tmp_path: Path, status: int) -> None:
    site.missing_status = status
    source = _open(_with_tokens(site))
    with pytest.raises(TaxiError) as fetched:
        source.fetch("2024-01", tmp_path)
    require_no_secret(fetched.value)
    if status != 404:
        with pytest.raises(TaxiError) as looked:
            source.published("2024-01", "2024-01")
        require_no_secret(looked.value)


@pytest.mark.parametrize("cut", [0, 2])
def test_a_download_that_fails_is_told_without_a_token(site: Site, tmp_path: Path, cut: int) -> None:
    site.files[f"/2024-01.parquet{QUERY}"] = b"PAR1"
    site.cut_after = cut
    source = _open(_with_tokens(site))
    with pytest.raises(TaxiError) as failed:
        source.fetch("2024-01", tmp_path)
    require_no_secret(failed.value)


def test_what_is_no_address_is_told_without_its_password() -> None:
    with pytest.raises(SettingError) as refusal:
        _open(f"{MALFORMED_HOST}/{MONTH}").published("2024-01", "2024-01")
    require_no_secret(refusal.value)
