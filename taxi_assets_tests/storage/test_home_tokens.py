"""A token in the address of the trips is not noted, and a home and a store stay with their source when it changes."""

import json
from pathlib import Path

import pytest

from taxi_assets.errors import SettingError
from taxi_assets.settings import Settings
from taxi_assets.storage.home import claim_home, claim_store
from taxi_assets.storage.publish import FolderStore

PLACE = "host/{year}/{month}.parquet"
OLD = f"https://one:OLD@{PLACE}?sig=OLD"
NEW = f"https://other:NEW@{PLACE}?sig=NEW"
ELSEWHERE = "https://other:NEW@elsewhere/{year}/{month}.parquet?sig=NEW"


def settings_of(home: Path, trips_uri: str) -> Settings:
    return Settings(TAXI_HOME=home, trips_uri=trips_uri)


def texts_below(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def of_an_earlier_version(trips_uri: str) -> dict[str, str]:
    return {"trips_uri": trips_uri, "service": "green"}


def claim_store_as_an_earlier_version(store: FolderStore, trips_uri: str) -> None:
    with store.draft("source") as draft:
        (draft.folder / "source.json").write_text(json.dumps(of_an_earlier_version(trips_uri)))
        draft.facts.update(of_an_earlier_version(trips_uri))


def require_no_secret(text: str) -> None:
    assert not [secret for secret in ("OLD", "NEW", "one:", "other:") if secret in text]


def test_a_home_stays_with_its_source_when_the_token_changes(tmp_path: Path) -> None:
    claim_home(settings_of(tmp_path, OLD))
    claim_home(settings_of(tmp_path, NEW))
    assert json.loads((tmp_path / "source.json").read_text())["trips_uri"] == f"https://{PLACE}?…"
    require_no_secret(texts_below(tmp_path))


def test_a_store_stays_with_its_source_when_the_token_changes(tmp_path: Path, store: FolderStore) -> None:
    claim_store(store, settings_of(tmp_path, OLD))
    claim_store(store, settings_of(tmp_path, NEW))
    version = store.current("source")
    assert version is not None
    assert version.facts["trips_uri"] == f"https://{PLACE}?…"
    require_no_secret(texts_below(store.root))


@pytest.mark.parametrize("uri", [OLD, NEW])
def test_a_home_of_an_earlier_version_is_accepted(tmp_path: Path, uri: str) -> None:
    (tmp_path / "source.json").write_text(json.dumps(of_an_earlier_version(OLD)))
    claim_home(settings_of(tmp_path, uri))


@pytest.mark.parametrize("uri", [OLD, NEW])
def test_a_store_of_an_earlier_version_is_accepted(tmp_path: Path, store: FolderStore, uri: str) -> None:
    claim_store_as_an_earlier_version(store, OLD)
    claim_store(store, settings_of(tmp_path, uri))


def test_a_home_of_another_place_is_refused_without_a_secret(tmp_path: Path) -> None:
    (tmp_path / "source.json").write_text(json.dumps(of_an_earlier_version(OLD)))
    with pytest.raises(SettingError) as refusal:
        claim_home(settings_of(tmp_path, ELSEWHERE))
    assert f"from https://{PLACE}?…, and this is green from https://elsewhere/" in str(refusal.value)
    require_no_secret(str(refusal.value))


def test_a_store_of_another_place_is_refused_without_a_secret(tmp_path: Path, store: FolderStore) -> None:
    claim_store_as_an_earlier_version(store, OLD)
    with pytest.raises(SettingError) as refusal:
        claim_store(store, settings_of(tmp_path, ELSEWHERE))
    assert f"from https://{PLACE}?…, and this is green from https://elsewhere/" in str(refusal.value)
    require_no_secret(str(refusal.value))
