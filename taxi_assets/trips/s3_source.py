"""Months in a bucket of S3, or of a server that speaks its language."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from taxi_assets.addresses import shown
from taxi_assets.errors import SourceUnavailableError
from taxi_assets.trips.file_source import FileSource, reason_of
from taxi_assets.trips.schema import Service


class S3Source(FileSource):
    """Months below an `s3://` address. `options` are what s3fs is to be called with."""

    def __init__(
        self, service: Service, templates: list[str], attempts: int, options: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(service, templates, attempts, {**(options or {}), "use_listings_cache": False})

    @override
    def _explain(self, error: Exception, address: str) -> Exception:
        from botocore.exceptions import BotoCoreError

        # ValueError is an endpoint that is no address.
        if isinstance(error, (BotoCoreError, ValueError)):
            return SourceUnavailableError(
                f"{shown(address)} cannot be read: {reason_of(error)}. "
                "Check TAXI_S3_ENDPOINT_URL and the AWS_* credentials."
            )
        return super()._explain(error, address)
