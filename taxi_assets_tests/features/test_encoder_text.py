"""An encoder as text: on disk, and inside a model's file."""

import copy
import json

import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from taxi_assets.errors import StoredError
from taxi_assets.features.encoder import TripEncoder
from taxi_assets_tests.features.reference import assert_equal


def test_a_read_encoder_encodes_as_the_written_one(clean_sample: pa.Table) -> None:
    encoder = TripEncoder().fit(clean_sample)
    read = TripEncoder.from_json(encoder.to_json())
    expected, names = encoder.transform(clean_sample), encoder.get_feature_names_out()
    assert_equal(read.transform(clean_sample), read, expected, names)


def test_a_copy_by_its_state_is_equal(clean_sample: pa.Table) -> None:
    encoder = TripEncoder().fit(clean_sample)
    assert copy.deepcopy(encoder).to_json() == encoder.to_json()


def test_an_encoder_that_has_learnt_nothing_can_be_copied_and_says_so_when_used() -> None:
    encoder = copy.deepcopy(TripEncoder())
    assert encoder.feature_set == "course"
    with pytest.raises(NotFittedError):
        encoder.transform([{"PULocationID": 236, "DOLocationID": 239, "trip_distance": 1.98}])


def test_any_text_survives() -> None:
    zones = ('"', "\n", "東京", "a,b", "", "65\0")
    trips = [{"PULocationID": zone, "DOLocationID": "é", "trip_distance": 1.0} for zone in zones]
    encoder = TripEncoder().fit(trips)
    read = TripEncoder.from_json(encoder.to_json())
    assert read.get_feature_names_out().tolist() == encoder.get_feature_names_out().tolist()
    assert read.transform(trips).nnz == 2 * len(zones)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufffd",
        "[]",
        "null",
        '{"feature_set": "course"}',
        '{"feature_set": "course", "vocabularies": []}',
        '{"feature_set": "course", "vocabularies": {}}',
        '{"feature_set": "course", "vocabularies": {"PU_DO": 5}}',
        '{"feature_set": "course", "vocabularies": {"PU_DO": "236_239"}}',
        '{"feature_set": "course", "vocabularies": {"PU_DO": [1]}}',
        '{"feature_set": "unheard-of", "vocabularies": {"PU_DO": []}}',
        '{"feature_set": "course", "vocabularies": {"PU_DO": ["236_239"]}',
    ],
)
def test_the_text_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(StoredError, match="not the text of an encoder"):
        TripEncoder.from_json(text)


def test_the_text_is_plain_json() -> None:
    trip = {"PULocationID": 236, "DOLocationID": 239, "trip_distance": 1.98}
    content = json.loads(TripEncoder().fit([trip]).to_json())
    assert content == {"feature_set": "course", "vocabularies": {"PU_DO": ["236_239"]}}
