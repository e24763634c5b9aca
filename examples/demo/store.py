"""Asks the object store directly, without our own commands.

store.py copy BUCKET FOLDER             copies every object to a folder
store.py try-to-delete-oldest BUCKET    fails if the store lets it
store.py delete-oldest BUCKET           with the permission that ends a GOVERNANCE lock early

The endpoint and the credentials come from the environment, as for any AWS client.
"""

import os
import pathlib
import sys

import botocore.exceptions
import botocore.session


def main():
    actions = {"copy": copy, "try-to-delete-oldest": try_to_delete_oldest, "delete-oldest": delete_oldest}
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


def try_to_delete_oldest(s3, bucket):
    """Tries to delete the first segment for good. Fails if the store lets it."""
    key, version = oldest(s3, bucket)
    try:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    except botocore.exceptions.ClientError as error:
        refusal = error.response["Error"]
        print(f"DELETE {key}, version {version[:8]}…: {refusal['Code']}, «{refusal['Message']}»")
    else:
        raise SystemExit(f"the store deleted {key}, version {version}, although it is locked")


def delete_oldest(s3, bucket):
    """Deletes the first segment for good, as somebody with s3:BypassGovernanceRetention can."""
    key, version = oldest(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True)
    print(f"DELETE {key}, version {version[:8]}…, bypassing GOVERNANCE: deleted")


def oldest(s3, bucket):
    key = keys(s3, bucket)[0]
    return key, s3.head_object(Bucket=bucket, Key=key)["VersionId"]


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


if __name__ == "__main__":
    main()
