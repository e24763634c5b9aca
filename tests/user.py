"""Makes an IAM user whose policy comes on standard input, and prints its access key and its secret key."""

import os
import sys

import botocore.session


def main():
    session = botocore.session.get_session()
    iam = session.create_client("iam", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
    iam.create_user(UserName="limited")
    iam.put_user_policy(UserName="limited", PolicyName="limit", PolicyDocument=sys.stdin.read())
    key = iam.create_access_key(UserName="limited")["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])


if __name__ == "__main__":
    sys.exit(main())
