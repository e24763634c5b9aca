"""Asks the object store directly, past our own commands: store.py copy BUCKET FOLDER | store.py delete-oldest BUCKET

The endpoint and the credentials come from the environment, as for any AWS client.
"""

import os
import pathlib
import sys

import botocore.exceptions
import botocore.session


def main():
    actions = {"copy": copy, "delete-oldest": delete_oldest}
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    s3 = botocore.session.get_session().create_client("s3", endpoint_url=endpoint, region_name=os.environ["AWS_REGION"])
    actions[sys.argv[1]](s3, *sys.argv[2:])


def copy(s3, bucket, folder):
    """Copies every object, its key as its path."""
    objects = keys(s3, bucket)
    for key in objects:
        path = pathlib.Path(folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    print(f"{len(objects)} objects")


def delete_oldest(s3, bucket):
    """Tries to delete the first segment for good, with every right there is. Fails if the store lets it."""
    key = keys(s3, bucket)[0]
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    try:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True)
    except botocore.exceptions.ClientError as error:
        refusal = error.response["Error"]
        print(f"DELETE {key}, version {version[:8]}…: {refusal['Code']}, «{refusal['Message']}»")
    else:
        raise SystemExit(f"the store deleted {key}, version {version}, though it is locked")


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


if __name__ == "__main__":
    main()
