"""A store on S3, with the credentials and the endpoint of dagster-aws' S3 resource.

A module of its own, because dagster-aws is slow to import and only needed with `TAXI_STORAGE_URI=s3://…`.
"""

from collections.abc import Mapping
from typing import Any

from dagster_aws.s3 import S3Resource
from typing_extensions import override

from taxi_assets.defs.resources import StorageResource


class S3StorageResource(StorageResource):
    """Where assets are stored, in a bucket."""

    s3: S3Resource

    @override
    def s3_options(self) -> Mapping[str, Any]:
        options: dict[str, Any] = {
            "endpoint_url": self.s3.endpoint_url,
            "key": self.s3.aws_access_key_id,
            "secret": self.s3.aws_secret_access_key,
            "token": self.s3.aws_session_token,
            "profile": self.s3.profile_name,
        }
        if self.s3.region_name:
            options["client_kwargs"] = {"region_name": self.s3.region_name}
        # What is unset is looked up in the usual places: the AWS_* variables, the profile, the role.
        return {name: value for name, value in options.items() if value is not None}
