import pytest

pytest.register_assert_rewrite("taxi_assets_tests.storage.promises")
