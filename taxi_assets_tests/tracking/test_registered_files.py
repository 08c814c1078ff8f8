"""A registered version whose files were crafted, damaged or lost is refused, by its number."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxi_assets.errors import StoredError, UntrustedModelError
from taxi_assets_tests.tracking.deployment import Deployment
from taxi_assets_tests.training.crafting import with_estimator

FITS = ("model.skops", "extra_files/training_fit.skops")
TRAP = {
    "__class__": "Trap",
    "__module__": "trap",
    "__loader__": "ObjectNode",
    "content": {
        "__class__": "dict",
        "__module__": "builtins",
        "__loader__": "DictNode",
        "content": {},
        "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []},
    },
}


@pytest.fixture
def files(three_champions: Deployment) -> Iterator[Path]:
    """The files of version 3; put back afterwards."""
    folder = three_champions.files_of(3)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yield folder
    for path, content in before.items():
        path.write_bytes(content)


def test_the_trap_goes_off_for_a_loader_that_trusts_it(files: Path, mark: Path) -> None:
    import skops.io

    crafted = with_estimator((files / "model.skops").read_bytes(), TRAP)
    skops.io.loads(crafted, trusted=skops.io.get_untrusted_types(data=crafted))
    assert mark.exists()


@pytest.mark.parametrize("name", FITS)
def test_a_crafted_file_is_refused_and_nothing_of_it_runs(
    three_champions: Deployment, files: Path, mark: Path, name: str
) -> None:
    path = files / name
    path.write_bytes(with_estimator(path.read_bytes(), TRAP))
    with pytest.raises(UntrustedModelError, match=r"Version 3 .*trap\.Trap"):
        three_champions.load(3)
    assert not mark.exists()
    assert "trap" not in sys.modules


def test_types_that_the_version_itself_calls_trusted_are_not_trusted(
    three_champions: Deployment, files: Path, mark: Path
) -> None:
    path = files / "model.skops"
    path.write_bytes(with_estimator(path.read_bytes(), TRAP))
    settings = files / "MLmodel"
    settings.write_text(
        settings.read_text().replace("xgboost.core.Booster", "trap.Trap"),
    )
    assert "trap.Trap" in settings.read_text()
    with pytest.raises(UntrustedModelError):
        three_champions.load(3)
    assert not mark.exists()


@pytest.mark.parametrize("name", [*FITS, "extra_files/model.json"])
def test_a_truncated_file_is_refused(three_champions: Deployment, files: Path, name: str) -> None:
    path = files / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoredError, match="Version 3 of nyc-taxi-duration"):
        three_champions.load(3)


@pytest.mark.parametrize("name", [*FITS, "extra_files/model.json"])
def test_a_missing_file_is_refused(three_champions: Deployment, files: Path, name: str) -> None:
    (files / name).unlink()
    with pytest.raises(StoredError, match="Version 3 of nyc-taxi-duration"):
        three_champions.load(3)
