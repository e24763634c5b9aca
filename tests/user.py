"""Makes an IAM user whose policy comes on standard input, and prints its access key and its secret key.

Its name is the argument, or one that nobody has.
"""

import os
import sys
import uuid

import botocore.session


def main():
    session = botocore.session.get_session()
    iam = session.create_client("iam", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
    name = sys.argv[1] if len(sys.argv) > 1 else f"limited-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="limit", PolicyDocument=sys.stdin.read())
    key = iam.create_access_key(UserName=name)["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])


if __name__ == "__main__":
    sys.exit(main())
