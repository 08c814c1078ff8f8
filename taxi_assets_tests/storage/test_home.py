"""A home and a store belong to one source and service."""

from pathlib import Path

import pytest

from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings
from taxi_assets.storage.home import claim_home, claim_store
from taxi_assets.storage.publish import FolderStore
from taxi_assets.storage.versions import Version


def settings_of(home: Path, **values: str) -> Settings:
    return Settings(TAXI_HOME=home, **values)


def test_claiming_makes_the_home(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"

    claim_home(settings_of(home))

    assert home.is_dir()


def test_the_same_source_and_service_may_claim_again(tmp_path: Path) -> None:
    claim_home(settings_of(tmp_path, trips_uri="tlc", service="yellow"))
    before = (tmp_path / "source.json").read_bytes()

    claim_home(settings_of(tmp_path, trips_uri="tlc", service="yellow"))

    assert (tmp_path / "source.json").read_bytes() == before


@pytest.mark.parametrize("other", [{"trips_uri": "tlc"}, {"service": "yellow"}])
def test_a_home_of_another_source_or_service_is_refused(tmp_path: Path, other: dict[str, str]) -> None:
    claim_home(settings_of(tmp_path))

    with pytest.raises(SettingError) as refusal:
        claim_home(settings_of(tmp_path, **other))

    sentence = str(refusal.value)
    assert sentence.startswith(f"TAXI_HOME={tmp_path} holds green trips from sample, and this is ")
    assert next(iter(other.values())) in sentence
    assert sentence.endswith("Name another place in TAXI_HOME, unset it, or set TAXI_TRIPS_URI and TAXI_SERVICE back.")
    assert "\n" not in sentence


def test_a_refused_home_stays_with_its_owner(tmp_path: Path) -> None:
    claim_home(settings_of(tmp_path))
    with pytest.raises(SettingError):
        claim_home(settings_of(tmp_path, trips_uri="tlc"))

    claim_home(settings_of(tmp_path))


def test_a_claim_that_was_killed_while_it_wrote_does_not_hinder_the_next(tmp_path: Path) -> None:
    (tmp_path / ".source.json.draft").write_text('{"trips_uri": "sam')

    claim_home(settings_of(tmp_path))

    with pytest.raises(SettingError):
        claim_home(settings_of(tmp_path, trips_uri="tlc"))


def test_two_homes_of_one_source_share_a_store(tmp_path: Path, store: FolderStore) -> None:
    claim_store(store, settings_of(tmp_path / "one"))
    claimed = store.current("source")

    claim_store(store, settings_of(tmp_path / "two"))

    assert store.current("source") == claimed


@pytest.mark.parametrize("other", [{"trips_uri": "tlc"}, {"service": "yellow"}])
def test_a_store_of_another_source_or_service_is_refused(
    tmp_path: Path, store: FolderStore, other: dict[str, str]
) -> None:
    claim_store(store, settings_of(tmp_path / "one"))

    with pytest.raises(SettingError) as refusal:
        claim_store(store, settings_of(tmp_path / "two", storage_uri=str(store.root), **other))

    sentence = str(refusal.value)
    assert sentence.startswith(f"TAXI_STORAGE_URI={store.root} holds green trips from sample, and this is ")
    assert next(iter(other.values())) in sentence
    assert "Name another place in TAXI_STORAGE_URI" in sentence
    assert "\n" not in sentence


def test_of_two_sources_that_claim_a_store_at_once_one_is_refused(
    tmp_path: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_yet_and_then_another_claims(_key: str) -> Version | None:
        monkeypatch.undo()
        claim_store(store, settings_of(tmp_path / "one", trips_uri="tlc"))
        return None

    monkeypatch.setattr(store, "current", nothing_yet_and_then_another_claims)

    with pytest.raises(SettingError, match="holds green trips from tlc"):
        claim_store(store, settings_of(tmp_path / "two", trips_uri="sample"))

    claim_store(store, settings_of(tmp_path / "one", trips_uri="tlc"))
