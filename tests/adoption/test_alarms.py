"""The event patterns of examples/alarms/, compared with events as CloudTrail hands them to EventBridge."""

import json
import unittest

from support import ROOT, Workplace, blocks, read

FOLDER = ROOT / "examples/alarms"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = "arn:aws:kms:eu-central-1:123456789012:alias/acme-audit"


def matches(pattern, event):
    """EventBridge's rule: each field of the pattern is in the event, with one of the values. Of a list, one element is enough."""
    if isinstance(event, list):
        return any(matches(pattern, one) for one in event)
    if isinstance(pattern, list):
        return event in pattern
    return isinstance(event, dict) and all(name in event and matches(value, event[name]) for name, value in pattern.items())


def call(service, name, **detail):
    """An API call, in the envelope of EventBridge."""
    return {
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}", "account": "123456789012", "time": "2026-11-26T12:00:00Z", "region": "eu-central-1", "resources": [],
        "detail": {
            "eventVersion": "1.11", "eventSource": f"{service}.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/admin/alice"},
        } | detail,
    }


def of_key(name, *arns):
    resources = [{"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": arn} for arn in arns or [KEY]]
    return call("kms", name, requestParameters={"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}, resources=resources)


def of_bucket(name, bucket="acme-audit-8f3a", **more):
    return call("s3", name, requestParameters={"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com"}, **more)


def of_watcher(service, name):
    return call(service, name, requestParameters={"name": "acme-audit-8f3a-bucket"})


OTHER_KEY = KEY.replace("1234abcd", "ffffabcd")
# What must wake somebody up, and what must not, by the rule.
EVENTS = {
    "signing-key": (
        [of_key(name) for name in ["DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "CreateGrant"]]
        # An alias that is moved to another key, and one that is deleted.
        + [of_key("UpdateAlias", ALIAS, OTHER_KEY), of_key("DeleteAlias", ALIAS, KEY)],
        [of_key("Sign"), of_key("DescribeKey"), of_key("DisableKey", OTHER_KEY), of_bucket("PutBucketPolicy")],
    ),
    "bucket": (
        [of_bucket(name) for name in [
            "DeleteBucket", "DeleteBucketEncryption", "DeleteBucketLifecycle", "DeleteBucketOwnershipControls", "DeleteBucketPolicy",
            "DeleteBucketPublicAccessBlock", "DeleteBucketReplication", "DeleteBucketTagging", "DeletePublicAccessBlock", "PutBucketAcl",
            "PutBucketEncryption", "PutBucketLifecycle", "PutBucketLifecycleConfiguration", "PutBucketObjectLockConfiguration",
            "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketReplication", "PutBucketTagging",
            "PutBucketVersioning", "PutObjectLockConfiguration", "PutPublicAccessBlock"]]
        # An attempt.
        + [of_bucket("PutBucketPolicy", errorCode="AccessDenied", errorMessage="Access Denied")],
        [of_bucket("PutBucketPolicy", "another"), of_bucket("GetBucketPolicy"), of_bucket("ListObjectVersions"), of_key("PutKeyPolicy")],
    ),
    "objects": (
        [of_bucket(name) for name in ["DeleteObject", "DeleteObjects", "PutObjectRetention", "PutObjectLegalHold"]],
        [of_bucket("PutObject"), of_bucket("GetObject"), of_bucket("DeleteObject", "another")],
    ),
    "watchers": (
        [of_watcher("events", name) for name in ["DeleteRule", "DisableRule", "RemoveTargets"]]
        + [of_watcher("cloudtrail", name) for name in ["DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"]],
        [of_watcher("events", "PutRule"), of_watcher("events", "EnableRule"), of_watcher("cloudtrail", "StartLogging"),
         of_watcher("cloudtrail", "LookupEvents"), of_bucket("DeleteBucket")],
    ),
}


class Alarms(unittest.TestCase):
    def judge(self, name, pattern):
        alarms, quiet = EVENTS[name]
        for event in alarms:
            self.assertTrue(matches(pattern, event), f"{name}: nobody is woken up by {event['detail']['eventName']}")
        for event in quiet:
            self.assertFalse(matches(pattern, event), f"{name}: {event['detail']['eventName']} wakes somebody up")

    def test_each_pattern_wakes_somebody_up_for_what_its_guide_says_and_for_nothing_else(self):
        patterns = {path.stem for path in FOLDER.glob("*.json")} - {"silence"}
        self.assertEqual(patterns, set(EVENTS))
        for name in sorted(patterns):
            self.judge(name, json.loads((FOLDER / f"{name}.json").read_text()))

    def test_every_event_of_a_pattern_is_tried(self):
        for name, (alarms, _) in EVENTS.items():
            wanted = json.loads((FOLDER / f"{name}.json").read_text())["detail"]["eventName"]
            self.assertEqual(wanted, sorted({event["detail"]["eventName"] for event in alarms}), name)

    def test_terraform_fills_the_names_of_a_trail_into_the_patterns(self):
        with Workplace() as place:
            place.copy("examples/alarms", "alarms")
            place.run("cd alarms && terraform fmt -check -diff && rm aws.tf")
            [module] = blocks("docs/guides/alarms.md", "hcl")
            arguments = module
            start, end = arguments.index("concat("), arguments.index("\n", arguments.index("concat("))
            arguments = arguments[:start] + json.dumps([OTHER_KEY, ALIAS]) + arguments[end:]
            place.write("main.tf", arguments.replace("acme-audit-8f3a", "another") + 'output "rules" {\n  value = module.alarms.rules\n}\n')
            place.run("terraform init && terraform apply")
            rules = json.loads(place.run("terraform output -json rules").stdout)
            self.assertEqual(set(rules), set(EVENTS))
            self.assertTrue(matches(json.loads(rules["bucket"]), of_bucket("PutBucketPolicy", "another")))
            self.assertFalse(matches(json.loads(rules["bucket"]), of_bucket("PutBucketPolicy")))
            self.assertTrue(matches(json.loads(rules["signing-key"]), of_key("DisableKey", OTHER_KEY)))
            self.assertFalse(matches(json.loads(rules["signing-key"]), of_key("DisableKey", KEY)))

    def test_the_guide_names_each_file(self):
        for path in FOLDER.glob("*.json"):
            self.assertIn(f"| `{path.name}` |", read("docs/guides/alarms.md"))

    def test_silence_is_a_day_without_a_success(self):
        alarm = json.loads((FOLDER / "silence.json").read_text())
        self.assertEqual(alarm["Period"] * alarm["EvaluationPeriods"], 24 * 60 * 60)
        self.assertEqual((alarm["TreatMissingData"], alarm["ComparisonOperator"]), ("breaching", "LessThanThreshold"))
        self.assertIn(f"--namespace {alarm['Namespace']} --metric-name {alarm['MetricName']}", read("docs/guides/alarms.md"))


if __name__ == "__main__":
    unittest.main()
