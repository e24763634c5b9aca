//! Who may do what with a signing key.

use terraform_provider_auditlog::aws::{KeyPolicy, KeyPolicyState, Principal};

use super::judge::Expected::{Allowed, DeniedBy, NotAllowed};
use super::judge::{Caller, Expected, OWNER, PARTNER, Request, check, unknown};

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALGORITHM: &str = "ED25519_SHA_512";

const TERRAFORM: Caller = Caller::Role(OWNER, "ci/", "terraform");
const SEALER: Caller = Caller::own("sealer");
const SHIPPER: Caller = Caller::Role(PARTNER, "apps/", "shipper");
const AUDITOR: Caller = Caller::Role(PARTNER, "", "auditor");
const INTERN: Caller = Caller::own("intern");
const ROOT: Caller = Caller::Root(OWNER);
const EVERYBODY: &[Caller] = &[TERRAFORM, SEALER, SHIPPER, AUDITOR, INTERN, ROOT];

fn principals(arns: &[&str]) -> Vec<Principal> {
    arns.iter()
        .map(|arn| Principal::parse(arn).expect("a principal"))
        .collect()
}

fn policy() -> KeyPolicy {
    KeyPolicy {
        partition: "aws".to_owned(),
        account: OWNER.to_owned(),
        signers: Some(principals(&[
            "arn:aws:iam::111122223333:role/sealer",
            "arn:aws:iam::444455556666:role/shipper",
        ])),
        verifiers: Some(principals(&["arn:aws:iam::444455556666:role/auditor"])),
        administrators: Some(principals(&["arn:aws:iam::111122223333:role/ci/terraform"])),
        algorithm: ALGORITHM.to_owned(),
        state: KeyPolicyState::Signing,
    }
}

fn rendered(policy: &KeyPolicy) -> String {
    policy.render().expect("a policy")
}

fn sign(caller: Caller) -> Request {
    Request::new(caller, "kms:Sign", KEY).with("kms:SigningAlgorithm", ALGORITHM)
}

/// The action by each caller: allowed to these, and to all others as said.
fn only(
    allowed: &[Caller],
    otherwise: Expected,
    request: impl Fn(Caller) -> Request,
) -> Vec<(Request, Expected)> {
    let expected = |caller| {
        if allowed.contains(caller) {
            Allowed
        } else {
            otherwise
        }
    };
    EVERYBODY
        .iter()
        .map(|caller| (request(*caller), expected(caller)))
        .collect()
}

fn call(action: &'static str) -> impl Fn(Caller) -> Request {
    move |caller| Request::new(caller, action, KEY)
}

#[test]
fn aws_knows_each_action_and_condition_of_a_key_policy() {
    let mut policy = policy();
    for state in [KeyPolicyState::Signing, KeyPolicyState::Retired] {
        policy.state = state;
        assert_eq!(unknown(&rendered(&policy)), serde_json::json!([]));
    }
}

#[test]
fn signers_alone_sign_and_with_one_algorithm() {
    let policy = rendered(&policy());
    check(
        &policy,
        &only(&[SEALER, SHIPPER], DeniedBy("AuditlogOthers"), sign),
    );
    let other = sign(SEALER).with("kms:SigningAlgorithm", "ED25519_PH_SHA_512");
    check(&policy, &[(other, DeniedBy("AuditlogAlgorithm"))]);
}

#[test]
fn nobody_grants_anything() {
    let policy = rendered(&policy());
    check(
        &policy,
        &only(&[], DeniedBy("AuditlogGrant"), call("kms:CreateGrant")),
    );
}

#[test]
fn retired_key_signs_for_nobody_and_still_verifies() {
    let mut retired = policy();
    retired.state = KeyPolicyState::Retired;
    let policy = rendered(&retired);
    check(&policy, &only(&[], DeniedBy("AuditlogRetired"), sign));
    check(
        &policy,
        &only(&[AUDITOR], NotAllowed, |caller| {
            call("kms:Verify")(caller).with("kms:SigningAlgorithm", ALGORITHM)
        }),
    );
}

#[test]
fn public_key_is_for_signers_verifiers_and_administrators() {
    let policy = rendered(&policy());
    let readers = [SEALER, SHIPPER, AUDITOR, TERRAFORM];
    check(
        &policy,
        &only(&readers, NotAllowed, call("kms:GetPublicKey")),
    );
    let describers = [SEALER, SHIPPER, AUDITOR, TERRAFORM, ROOT];
    check(
        &policy,
        &only(&describers, NotAllowed, call("kms:DescribeKey")),
    );
}

/// The key policy admits nobody through IAM once it has lists, so a role that only plans must be among the verifiers.
#[test]
fn role_of_plans_among_the_verifiers_reads_what_a_plan_reads() {
    let policy = rendered(&policy());
    for action in ["kms:GetKeyPolicy", "kms:ListGrants", "kms:ListResourceTags"] {
        let readers = [AUDITOR, TERRAFORM];
        check(&policy, &only(&readers, NotAllowed, call(action)));
    }
}

#[test]
fn administrators_change_the_key_and_the_root_user_its_policy() {
    let mut cases = only(&[TERRAFORM, ROOT], NotAllowed, call("kms:PutKeyPolicy"));
    for action in [
        "kms:ScheduleKeyDeletion",
        "kms:DisableKey",
        "kms:TagResource",
        "kms:RevokeGrant",
    ] {
        cases.extend(only(&[TERRAFORM], NotAllowed, call(action)));
    }
    check(&rendered(&policy()), &cases);
}

#[test]
fn lists_that_were_left_out_leave_it_to_iam_of_the_account() {
    let mut open = policy();
    (open.signers, open.verifiers, open.administrators) = (None, None, None);
    let policy = rendered(&open);
    check(
        &policy,
        &[
            (sign(INTERN), Allowed),
            (sign(SHIPPER), NotAllowed),
            (
                sign(INTERN).with("kms:SigningAlgorithm", "ED25519_PH_SHA_512"),
                DeniedBy("AuditlogAlgorithm"),
            ),
            (call("kms:PutKeyPolicy")(INTERN), Allowed),
            (call("kms:CreateGrant")(INTERN), DeniedBy("AuditlogGrant")),
        ],
    );
    // and what IAM does not allow is not allowed
    let nothing = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "kms:GetPublicKey", "Resource": "*" },
    ] });
    check(
        &policy,
        &[
            (sign(INTERN).by(&nothing), NotAllowed),
            (call("kms:GetPublicKey")(INTERN).by(&nothing), Allowed),
        ],
    );
}
