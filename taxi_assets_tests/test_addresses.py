"""What is shown of an address, and that a token in it does not tell sources apart."""

import pytest

from taxi_assets.addresses import shown
from taxi_assets.settings import Settings

SECRETS = ("TOKEN", "HUSH", "SIGNATURE")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://somebody:HUSH@host/{year}/{month}.parquet", "https://host/{year}/{month}.parquet"),
        (
            "https://TOKEN@host:8080/{service}/{year}-{month}.parquet",
            "https://host:8080/{service}/{year}-{month}.parquet",
        ),
        ("https://host/{year}/{month}.parquet?sig=SIGNATURE", "https://host/{year}/{month}.parquet?…"),
        ("https://TOKEN:HUSH@host/trips?a=b&sig=SIGNATURE@x", "https://host/trips?…"),
        ("https://host?sig=SIGNATURE@x", "https://host?…"),
        ("https://TOKEN:HU@SH@host/trips", "https://host/trips"),
        ("https://somebody:HUSH/HUSH@host/trips?sig=SIGNATURE@x", "https://host/trips?…"),
        ("https://somebody:HUSH?HUSH@host/trips", "https://host/trips"),
        ("https://somebody:8HUSH/HU@SH@host/trips", "https://host/trips"),
        ("https://somebody:HUSH@[::1]:80/trips", "https://[::1]:80/trips"),
        ("sftp://somebody:HUSH@host/trips", "sftp://host/trips"),
        ("s3://TOKEN:HUSH/HUSH@bucket/trips", "s3://bucket/trips"),
        ("simplecache::https://somebody:HUSH@host/trips?sig=SIGNATURE", "simplecache::https://host/trips?…"),
        ("zip://{month}.parquet::https://somebody:HUSH@host/x.zip", "zip://{month}.parquet::https://host/x.zip"),
        (
            "github://org:repository@main/{year}/{month}.parquet?sig=SIGNATURE",
            "github://org:repository@main/{year}/{month}.parquet?…",
        ),
    ],
)
def test_users_passwords_and_queries_are_hidden_and_the_place_is_kept(address: str, expected: str) -> None:
    assert shown(address) == expected
    assert shown(expected) == expected
    assert not [secret for secret in SECRETS if secret in expected]


@pytest.mark.parametrize(
    "address",
    [
        "sample",
        "tlc",
        "mage",
        "/data/green",
        "/data/who?/somebody@home/{year}-{month}.parquet",
        "file:///data/who?/somebody@home",
        "s3://bucket/trips",
        "s3://bucket/{service}/{year}/{month}.parquet",
        "https://host/@somebody/{year}/{month}.parquet",
        "https://host:8080/@somebody/trips",
        "https://host:8080",
        "https://[2001:db8::1]:80/@somebody/trips",
        "abfs://container@account.dfs.core.windows.net/trips",
        "github://org:repository@main/trips",
    ],
)
def test_an_address_without_a_secret_stays_as_it_is(address: str) -> None:
    assert shown(address) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host/{year}-{month}.parquet?sig=OLD", "https://host/{year}-{month}.parquet?sig=NEW"),
        ("https://one:OLD@host/{year}-{month}.parquet", "https://other:NEW@host/{year}-{month}.parquet"),
    ],
)
def test_a_token_that_changed_leaves_the_default_home(one: str, other: str) -> None:
    assert Settings(trips_uri=one).home == Settings(trips_uri=other).home


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host/green/{year}-{month}.parquet?sig=OLD", "https://host/blue/{year}-{month}.parquet?sig=OLD"),
        ("https://one/{year}-{month}.parquet", "https://other/{year}-{month}.parquet"),
        ("s3://one/trips", "s3://other/trips"),
        ("abfs://one@account/trips", "abfs://other@account/trips"),
    ],
)
def test_another_place_is_another_default_home(one: str, other: str) -> None:
    assert Settings(trips_uri=one).home != Settings(trips_uri=other).home


def test_the_default_home_of_an_address_without_a_secret_is_that_of_earlier_versions() -> None:
    assert Settings(trips_uri="s3://bucket/trips").source_id == "trips-7eed5d0a-green"
