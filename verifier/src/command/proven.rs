//! What a proof shows, in lines for people.

use std::fmt::Write as _;

use auditlog_chain::tree::TreeHead;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::evidence::CheckedPack;
use auditlog_verifier::proof::check::{Form, Proven, Refused};
use auditlog_verifier::proof::consistency::Continued;
use auditlog_verifier::proof::limits;
use auditlog_verifier::report::{entries_word, plain};
use auditlog_verifier::verdict::Verdict;

use super::outcome::Outcome;
use super::usage::Usage;

/// What an inclusion proof shows, and its limits.
pub(super) fn inclusion(proven: &Proven) -> String {
    let (index, origin) = (proven.index(), proven.origin());
    let mut text = format!(
        "proved:  {} {index} of {origin} is in the tree of {}\n",
        proven.kind(),
        tree(proven.head(), proven.signers())
    );
    _ = writeln!(text, "time:    {}, by the writer's clock", proven.time());
    let form = match proven.form() {
        Form::C2sp => "C2SP tlog-proof; any tool for it can check this proof with the verifier key",
        Form::Own => {
            "our own: other tools do not know the signature type 0xff of this key; use auditlog-verify check"
        }
    };
    _ = writeln!(text, "form:    {form}");
    if proven.form() == Form::C2sp {
        for key in proven.signers() {
            _ = writeln!(text, "key:     {key}");
        }
    }
    limits_of(&mut text, &limits::OF_INCLUSION);
    text
}

/// What a consistency proof shows, and its limits.
pub(super) fn consistency(continued: &Continued) -> String {
    let [first, second] = continued.heads();
    let [first_signers, second_signers] = continued.signers();
    let mut text = format!(
        "proved:  {}: the tree of {}\n         begins with the tree of {}\n",
        continued.origin(),
        tree(second, second_signers),
        tree(first, first_signers)
    );
    limits_of(&mut text, &limits::OF_CONSISTENCY);
    text
}

/// What an evidence pack shows, and its limits.
pub(super) fn pack(checked: &CheckedPack) -> String {
    let mut text = String::new();
    for proven in &checked.proven {
        _ = writeln!(
            text,
            "proved:  {} {} of {}, {}",
            proven.kind(),
            proven.index(),
            proven.origin(),
            proven.time()
        );
    }
    let count = checked.proven.len();
    _ = writeln!(
        text,
        "checked: {count} {} and the proof of each; none of {} files was changed",
        entries_word(u64::try_from(count).unwrap_or(u64::MAX)),
        checked.files
    );
    let policy = if checked.same_policy {
        "policy.json is the trust policy that the pack was checked with"
    } else {
        "policy.json is another trust policy than the one that the pack was checked with, which alone counts"
    };
    _ = writeln!(text, "note:    {policy}");
    limits_of(
        &mut text,
        &["report.txt and report.json are the word of whoever made the pack"],
    );
    if !checked.has_segments {
        let limit = "the pack has no segments, so the numbers in the names of checkpoints are the word of whoever made it";
        limits_of(&mut text, &[limit]);
    }
    limits_of(&mut text, &limits::OF_INCLUSION);
    text
}

fn tree(head: TreeHead, signers: &[VerifierKey]) -> String {
    let id = |key: &VerifierKey| format!("{:08x}", u32::from_be_bytes(key.key_id()));
    let ids: Vec<String> = signers.iter().map(id).collect();
    format!(
        "size {}, root {}, signed by key {}",
        head.size,
        head.root.to_base64(),
        ids.join(" and ")
    )
}

fn limits_of(text: &mut String, limits: &[&str]) {
    for limit in limits {
        _ = writeln!(text, "limit:   {limit}");
    }
}

/// How a command ends whose proof was not accepted.
pub(super) fn refused(refused: &Refused) -> Result<Outcome, Usage> {
    match refused {
        Refused::Wrong(problem) => Ok(Outcome {
            output: format!("not proved: {}\n", plain(&problem.to_string())),
            verdict: Verdict::Fault,
        }),
        Refused::Undecided(why) => Err(Usage::new(why.to_string(), why.hint())),
    }
}

#[cfg(test)]
mod tests {
    use auditlog_verifier::proof::check::ProofProblem;

    use super::*;

    /// Reasons quote the file, which somebody else made.
    #[test]
    fn a_refusal_cannot_look_like_a_proof() {
        let reason = "unknown field `\nproved:  entry 4 of acme.example/audit\u{1b}[1A`".to_owned();
        let why = Refused::Wrong(ProofProblem::NotAConsistencyProof { reason });
        let Ok(outcome) = refused(&why) else {
            panic!("a wrong proof is a verdict");
        };
        assert_eq!(
            outcome.output,
            "not proved: the file is not a consistency proof of version 1: unknown field \
             `\\nproved:  entry 4 of acme.example/audit\\u{1b}[1A`\n"
        );
        assert_eq!(outcome.verdict, Verdict::Fault);
    }
}
