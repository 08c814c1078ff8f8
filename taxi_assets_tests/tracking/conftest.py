"""A home with three stored months and an MLflow without runs; and one in which all seven models were trained."""

import shutil
from pathlib import Path

import pytest

from taxi_assets.storage.publish import FolderStore
from taxi_assets.tracking.promotion import MOVING
from taxi_assets.training.search_spaces import MODEL_NAMES
from taxi_assets_tests.tracking.deployment import BAD, GOOD, LASSO, MIDDLE, Deployment, Logged, Snapshot, store_months

ROWS = 1_500
MONTHS = ("2024-01", "2024-02", "2024-03")


@pytest.fixture(scope="session")
def stored_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of three small months and of the training set of the first two. Not to be changed."""
    from taxi_assets.features.window import store_training_set

    folder = tmp_path_factory.mktemp("months")
    store = FolderStore(folder / "assets")
    store_months(store, MONTHS, ROWS, folder)
    store_training_set(store, MONTHS[:2])
    return store.root


def make_home(home: Path, stored_months: Path, empty_database: Path) -> None:
    shutil.copytree(stored_months, home / "assets")
    (home / "mlflow").mkdir()
    shutil.copy(empty_database, home / "mlflow" / "mlflow.db")


@pytest.fixture
def home(tmp_path: Path, stored_months: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the months, their training set and an empty MLflow: the current one."""
    make_home(tmp_path / "home", stored_months, empty_database)
    monkeypatch.setenv("TAXI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def deployment(home: Path) -> Deployment:
    """The deployment of that home."""
    return Deployment()


Seven = tuple[Deployment, dict[str, Logged]]


@pytest.fixture(scope="session")
def seven(tmp_path_factory: pytest.TempPathFactory, stored_months: Path, empty_database: Path) -> Seven:
    """A deployment in which all seven models were trained and registered, and what was trained. Not to be changed."""
    home = tmp_path_factory.mktemp("seven") / "home"
    make_home(home, stored_months, empty_database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        deployment = Deployment()
        trained = {name: deployment.train(name, max_evaluations=2) for name in MODEL_NAMES}
        for logged in trained.values():
            deployment.register(logged)
    return deployment, trained


@pytest.fixture(scope="session")
def filled(
    tmp_path_factory: pytest.TempPathFactory, stored_months: Path, empty_database: Path
) -> tuple[Deployment, Snapshot]:
    """A deployment in which three versions became champion one after the other, and its state."""
    home = tmp_path_factory.mktemp("filled") / "home"
    make_home(home, stored_months, empty_database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXI_HOME", str(home))
        deployment = Deployment()
        for options in (BAD, MIDDLE, GOOD):
            assert deployment.train_and_promote(LASSO, **options).decision in MOVING
    return deployment, Snapshot(home, tmp_path_factory.mktemp("snapshot"))


@pytest.fixture
def three_champions(filled: tuple[Deployment, Snapshot], monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """That deployment as it was when version 3 had become champion: the current one."""
    deployment, snapshot = filled
    snapshot.restore()
    monkeypatch.setenv("TAXI_HOME", str(snapshot.home))
    return deployment
