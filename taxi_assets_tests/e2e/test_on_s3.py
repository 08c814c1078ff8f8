"""The main job with its trips and its store in buckets of a real S3 server."""

from pathlib import Path

import pytest
import s3fs

from taxi_assets_tests.e2e.conftest import Run, only_json
from taxi_assets_tests.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(s3_endpoint: str, s3_location: str) -> dict[str, str]:
    """What points a run at the server."""
    return {
        "TAXI_TRIPS_URI": f"s3://{BUCKET}/trips",
        "TAXI_STORAGE_URI": s3_location,
        "TAXI_S3_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


def test_a_run_reads_trips_from_a_bucket_and_stores_in_one(
    taxi: Run, home: Path, server: s3fs.S3FileSystem, s3_location: str, sample_folder: Path, settings: dict[str, str]
) -> None:
    server.put(f"{sample_folder}/", f"{BUCKET}/trips/", recursive=True)
    result = taxi("run", "--json", "--models", "LinearRegression,xgboost", **settings)
    assert result.returncode == 0, result.stderr
    summary = only_json(result)
    assert summary["months"] == ["2024-01", "2024-02"]
    assert summary["checks"]["failed"] == 0
    pointers = server.glob(f"{s3_location}/**/current.json")
    # the source, raw and clean months, the training set, two models and their trials
    assert len(pointers) == 1 + 2 * 2 + 1 + 2 + 2
    assert not (home / "assets").exists()
    prediction = taxi("predict", "--pu", "236", "--do", "239", "--distance", "1.98", **settings)
    assert prediction.returncode == 0, prediction.stderr
    assert "minutes" in prediction.stdout


def test_wrong_credentials_are_one_clear_line(taxi: Run, settings: dict[str, str]) -> None:
    result = taxi("run", "--months", "2024-01:2024-02", **settings | {"AWS_SECRET_ACCESS_KEY": "no-secret-of-ours"})
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "these credentials may not see it" in result.stderr
    assert "no-secret-of-ours" not in result.stdout + result.stderr
