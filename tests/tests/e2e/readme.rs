//! The README and the demo work as they are written, in each variant that their text recommends.

use std::fs;

use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_tests::{Endpoint, Engine, Terraform, root};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced block of this language, or for `""` the one without a language, that contains a word.
fn block(language: &str, word: &str) -> String {
    let readme = read("README.md");
    // Every second part is between two fences; its first line is the language.
    let blocks = readme
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'));
    let mut found = blocks.filter(|(name, text)| *name == language && text.contains(word));
    let (_, text) = found
        .next()
        .unwrap_or_else(|| panic!("no block of {language:?} with {word:?}"));
    text.to_owned()
}

/// The configuration of its first use.
pub(crate) fn main_tf() -> String {
    block("hcl", "auditlog_bucket")
}

const FIRST_TRY: &str = "  object_lock = { mode = \"GOVERNANCE\", days = 3 }\n";

/// What the text recommends for a real trail, done as a person does it: the lock is replaced by the other one.
fn of_a_real_trail(main_tf: &str) -> String {
    assert!(
        main_tf.contains(FIRST_TRY),
        "the lock of a first try: {main_tf}"
    );
    main_tf.replace(FIRST_TRY, &block("hcl", "COMPLIANCE"))
}

/// Runs the README's commands on a configuration, and returns its trust policy.
fn first_use(endpoint: &Endpoint, main_tf: &str) -> TrustPolicy {
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.write("main.tf", main_tf);
    let run = terraform.shell(&block("", "terraform init")).ok();
    assert!(
        terraform.path().join("pins.json").is_file(),
        "nothing is pinned: {run}"
    );
    assert!(run.stdout.contains("\nverified: "), "{run}");
    let night = terraform.shell(&block("", "/dev/null")).ok();
    assert!(night.stdout.contains("\nverified: "), "{night}");
    assert!(terraform.path().join("report.html").is_file(), "{night}");
    let plan = terraform.plan();
    assert_eq!(plan.status, 0, "the declaration is what is there: {plan}");
    terraform.run(&["fmt", "-check", "-diff"]).ok();
    let policy = fs::read(terraform.path().join("trust-policy.json")).expect("trust-policy.json");
    TrustPolicy::parse(&policy).expect("a trust policy")
}

#[track_caller]
fn assert_locks(policy: &TrustPolicy, mode: LockMode, retention_days: u32) {
    let [span] = &policy.document().lock[..] else {
        panic!("one span: {:?}", policy.document().lock);
    };
    assert_eq!((span.mode, span.retention_days), (mode, retention_days));
    let silence = &policy.document().logs[0].max_silence[0];
    assert_eq!(silence.seconds, 25 * 60 * 60);
}

#[test]
fn first_use_works_as_written() {
    let policy = first_use(&Engine::Ministack.start(), &main_tf());
    assert_locks(&policy, LockMode::Governance, 3);
}

/// Every command and every declaration of the section, one after the other, on the trail of the first use.
#[test]
fn what_an_auditor_can_ask_for_works_as_written() {
    let endpoint = Engine::Ministack.start();
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.write("main.tf", &main_tf());
    terraform.shell(&block("", "terraform init")).ok();
    let run = terraform.shell(&block("", "auditlog-verify prove")).ok();
    assert!(run.stdout.contains("found: 1 entry of "), "{run}");
    assert!(run.stdout.contains("proved:  entry 5 of "), "{run}");
    assert!(run.stdout.contains("checked: 1 entry "), "{run}");
    terraform.shell(&block("", "--cache")).ok();
    for name in ["report.html", "report.xml", "cache"] {
        assert!(terraform.path().join(name).exists(), "{name}");
    }
    let run = terraform.shell(&block("", "auditlog-verify merge")).ok();
    assert!(run.stdout.contains("\nverified: "), "{run}");
    let with_check = format!("{}\n{}", main_tf(), block("hcl", "auditlog_verification"));
    terraform.write("main.tf", &with_check);
    let run = terraform.apply().ok();
    assert!(
        !run.stdout.contains("Check block assertion failed"),
        "{run}"
    );
    let prefix = block("hcl", "declared_prefixes");
    let with_prefix = with_check.replace(FIRST_TRY, &format!("{FIRST_TRY}{prefix}"));
    terraform.write("main.tf", &with_prefix);
    let run = terraform.shell(&block("", "auditlog-verify probe")).ok();
    assert!(run.stdout.contains("all promises held: 5 held"), "{run}");
    terraform
        .shell("auditlog-verify --policy trust-policy.json")
        .ok();
}

/// A block that is added must be run here, or by the Makefile's own tests.
#[test]
fn every_block_is_known() {
    let readme = read("README.md");
    let blocks = readme.split("```").skip(1).step_by(2);
    let known = [
        "make demo",
        "make install",
        "resource \"auditlog_bucket\"",
        "COMPLIANCE 2192 days",
        "terraform init",
        "/dev/null",
        "flowchart LR",
        "auditlog-verify prove",
        "--cache",
        "auditlog-verify merge",
        "data \"auditlog_verification\"",
        "declared_prefixes",
        "auditlog-verify probe",
    ];
    let first = |text: &str| known.iter().position(|word| text.contains(word));
    let found: Vec<Option<usize>> = blocks.map(first).collect();
    let expected: Vec<Option<usize>> = (0..known.len()).map(Some).collect();
    assert_eq!(found, expected);
}

#[test]
fn first_use_works_for_a_real_trail() {
    let policy = first_use(&Engine::Ministack.start(), &of_a_real_trail(&main_tf()));
    assert_locks(&policy, LockMode::Compliance, 2192);
}

/// `make demo` runs it as written.
#[test]
fn declaration_of_the_demo_works_for_a_real_trail() {
    let endpoint = Engine::Ministack.start();
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.write("main.tf", &of_a_real_trail(&read("examples/demo/main.tf")));
    terraform.init();
    terraform.apply().ok();
    let json = terraform.output("trust_policy");
    let policy = TrustPolicy::parse(json.as_str().expect("a text").as_bytes());
    assert_locks(&policy.expect("a trust policy"), LockMode::Compliance, 2192);
    assert_eq!(terraform.plan().status, 0);
}

#[test]
fn it_names_the_pinned_endpoints() {
    let pins = read("tests/requirements.txt");
    for (name, package) in [("MiniStack", "ministack=="), ("moto", "moto==")] {
        let mut pinned = pins.lines().filter_map(|line| line.strip_prefix(package));
        let version = pinned.next().expect("a pin");
        assert!(
            read("README.md").contains(&format!("{name} {version}")),
            "README.md names another version of {name} than {version}"
        );
    }
}

#[test]
fn every_path_that_is_named_at_the_top_exists() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ] {
        let text = read(document);
        let linked = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let linked = linked.filter(|path| !path.contains("://"));
        for path in linked.chain(quoted_paths(&text)) {
            let file = path.split('#').next().unwrap_or_default();
            assert!(
                root().join(file).exists(),
                "{document} names {path}, which does not exist"
            );
        }
    }
}

/// What is between backticks and begins with a folder of the project.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    let folders = [
        "chain/",
        "docs/",
        "examples/",
        "provider/",
        "release/",
        "sealer/",
        "sha256-lanes/",
        "templates/",
        "terraform/",
        "tests/",
        "verifier/",
    ];
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter(move |word| folders.iter().any(|folder| word.starts_with(folder)));
    named.filter(|word| !word.contains(['{', '*', ' ', '…']))
}
