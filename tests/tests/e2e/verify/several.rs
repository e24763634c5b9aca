//! `auditlog-verify` with several trust policies: one document in each form, in which no policy is left out.

use std::collections::BTreeSet;
use std::fs;

use auditlog_tests::{Command, Run, command, python, root};
use serde_json::Value;

use crate::support::log::ORIGIN;
use crate::verify::folder::{Folder, no_verdict};

/// A folder with one log and policies of each kind. The good one is `policy.json`.
struct Policies(Folder);

impl Policies {
    fn new() -> Self {
        let policies = Self(Folder::new());
        // Of a format that nobody knows yet, and of a log that is not there.
        policies.write("newer.json", |json| json["logs"][0]["format"] = 2.into());
        policies.write("absent.json", |json| {
            json["logs"][0]["prefix"] = "logs/other".into();
            json["logs"][0]["began"] = "2020-01-01T00:00:00Z".into();
        });
        fs::write(policies.0.path("broken.json"), "{").expect("a file");
        policies
    }

    fn write(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let text = fs::read_to_string(self.0.path("policy.json")).expect("a policy");
        let mut json = serde_json::from_str(&text).expect("JSON");
        change(&mut json);
        fs::write(self.0.path(name), json.to_string()).expect("a written policy");
    }

    fn path(&self, name: &str) -> String {
        self.0.path(name).display().to_string()
    }

    fn command(&self, names: &[&str], more: &[&str]) -> Command {
        let paths = names
            .iter()
            .flat_map(|name| ["--policy".to_owned(), self.path(name)]);
        command("auditlog-verify").args(paths).args(more)
    }

    fn run(&self, names: &[&str], more: &[&str]) -> Run {
        self.command(names, more).arg(self.0.bucket()).run()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path(name)).expect("a report")
    }
}

/// One that is not there, one with a fault, one that is not a policy, one without a verdict, and one that verifies.
const MIXED: [&str; 5] = [
    "nowhere.json",
    "absent.json",
    "broken.json",
    "newer.json",
    "policy.json",
];

/// Whether JSON is what docs/report.schema.json describes.
fn is_as_the_schema_says(json: &str) -> bool {
    const VALIDATE: &str = "import json, jsonschema, sys\n\
        jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1], encoding='utf-8')))";
    let validate = Command::new(python()).args(["-c", VALIDATE]);
    let validate = validate.arg(root().join("docs/report.schema.json"));
    let run = validate.input(json).run();
    assert!(
        run.status == 0 || run.stderr.contains("ValidationError"),
        "{run}"
    );
    run.status == 0
}

/// The suites of a document, as an XML parser reads them.
fn suites(xml: &str) -> Vec<Suite> {
    const READ: &str = "import json, sys, xml.etree.ElementTree as ElementTree\n\
        all = ElementTree.fromstring(sys.stdin.buffer.read())\n\
        assert all.tag == 'testsuites', all.tag\n\
        case = lambda case: [case.get('classname'), case.get('name'), case[0].tag if len(case) else 'passed', ''.join(case.itertext())]\n\
        suite = lambda suite: [suite.attrib, {one.get('name'): one.get('value') for one in suite.iter('property')}, [case(one) for one in suite.iter('testcase')]]\n\
        print(json.dumps([all.attrib, [suite(one) for one in all]]))";
    let run = Command::new(python())
        .args(["-c", READ])
        .input(xml)
        .run()
        .ok();
    let json = run.json();
    let suites: Vec<Suite> = json[1]
        .as_array()
        .expect("suites")
        .iter()
        .map(Suite::of)
        .collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>().to_string();
    assert_eq!(json[0]["tests"], sum(|suite| suite.cases.len()), "{xml}");
    assert_eq!(json[0]["failures"], sum(|suite| suite.count("failure")));
    assert_eq!(json[0]["errors"], sum(|suite| suite.count("error")));
    suites
}

#[derive(Debug)]
struct Suite {
    name: String,
    file: Option<String>,
    /// Class, name, what became of it, and the text in it.
    cases: Vec<[String; 4]>,
}

impl Suite {
    fn of(json: &Value) -> Self {
        let suite: Self = Self {
            name: json[0]["name"].as_str().expect("a name").to_owned(),
            file: json[1]["policy_file"].as_str().map(str::to_owned),
            cases: serde_json::from_value(json[2].clone()).expect("cases"),
        };
        assert_eq!(json[0]["tests"], suite.cases.len().to_string(), "{json}");
        assert_eq!(json[0]["failures"], suite.count("failure").to_string());
        assert_eq!(json[0]["errors"], suite.count("error").to_string());
        assert_eq!(json[0]["skipped"], suite.count("skipped").to_string());
        assert!(json[0]["timestamp"].is_string(), "{json}");
        suite
    }

    fn count(&self, kind: &str) -> usize {
        self.cases.iter().filter(|case| case[2] == kind).count()
    }

    fn verdict(&self) -> &str {
        let verdict = self.cases.iter().find(|case| case[1] == "verdict");
        &verdict.expect("a verdict")[2]
    }
}

#[test]
fn several_policies_give_a_report_each_and_the_worst_exit_code() {
    let policies = Policies::new();
    let both = policies.run(&["policy.json", "policy.json"], &[]);
    assert_eq!(both.status, 0, "{both}");
    assert_eq!(both.stdout.matches("\nverified: ").count(), 2, "{both}");
    for names in [["newer.json", "policy.json"], ["policy.json", "newer.json"]] {
        assert_eq!(policies.run(&names, &[]).status, 2);
    }
    let all = policies.run(
        &["absent.json", "newer.json", "policy.json"],
        &["--output", "json"],
    );
    assert_eq!(all.status, 1, "{all}");
    let verdicts: Vec<_> = all.json().as_array().expect("a list").clone();
    let verdicts: Vec<_> = verdicts.iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["fault", "no_verdict", "verified"]);
    let refused = policies.command(&["policy.json", "newer.json"], &["--log", ORIGIN]);
    no_verdict(
        refused.arg(policies.0.bucket()),
        "--log names a log of one trust policy",
        "leave out --log",
    );
}

#[test]
fn a_policy_that_cannot_be_read_is_in_the_list_and_the_others_are_verified() {
    let policies = Policies::new();
    let run = policies.run(&MIXED, &["--output", "json"]);
    assert_eq!(run.status, 1, "{run}");
    let list = run.json();
    for (at, name) in [(0, "nowhere.json"), (2, "broken.json")] {
        let error = list[at]["error"].as_str().expect("an error");
        assert!(error.contains(name), "{run}");
        assert!(run.stderr.contains(error), "{run}");
        assert_eq!(list[at]["policy"], policies.path(name));
    }
    let verdicts = [1, 3, 4].map(|at| &list[at]["verdict"]);
    assert_eq!(verdicts, ["fault", "no_verdict", "verified"]);
    assert!(is_as_the_schema_says(&run.stdout));
    assert!(!is_as_the_schema_says("[]"));
    let another = run.stdout.replace("\"verified\"", "\"trusted\"");
    assert!(!is_as_the_schema_says(&another));
    let text = policies.run(&["broken.json", "policy.json"], &[]);
    assert_eq!(text.status, 2, "{text}");
    assert_eq!(text.stdout.matches("\nverified: ").count(), 1, "{text}");
    let begin = format!("policy   {}\n\nerror: ", policies.path("broken.json"));
    assert!(text.stdout.starts_with(&begin), "{text}");
    // What standard error said, with the hint.
    assert!(text.stdout.contains(&text.stderr), "{text}");
    let end = "\n\nno verdict: nothing was verified\n\npolicy   sha256 ";
    assert!(text.stdout.contains(end), "{text}");
}

#[test]
fn the_suites_of_all_policies_are_one_document_and_none_is_left_out() {
    let policies = Policies::new();
    let file = policies.path("all.xml");
    let run = policies.run(&MIXED, &["--output", "junit", "--report", &file]);
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(policies.read("all.xml"), run.stdout);
    let suites = suites(&run.stdout);
    let [bucket, log] = ["bucket", ORIGIN]
        .map(|of| move |name: &str, policies: &Policies| format!("{}: {of}", policies.path(name)));
    let expected = [
        (bucket("nowhere.json", &policies), "error"),
        (bucket("absent.json", &policies), "failure"),
        (log("absent.json", &policies), "failure"),
        (bucket("broken.json", &policies), "error"),
        (bucket("newer.json", &policies), "error"),
        (log("newer.json", &policies), "error"),
        (bucket("policy.json", &policies), "passed"),
        (log("policy.json", &policies), "passed"),
    ];
    let found = suites.iter().map(|one| (one.name.clone(), one.verdict()));
    assert_eq!(found.collect::<Vec<_>>(), expected, "{run}");
    for suite in &suites {
        let file = suite.file.as_ref().expect("the file of the policy");
        assert!(suite.name.starts_with(&format!("{file}: ")), "{suite:?}");
    }
    // Pipelines take two cases with the same class and name for one.
    let cases = suites.iter().flat_map(|suite| &suite.cases);
    let all: Vec<_> = cases.map(|case| (&case[0], &case[1])).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for at in [0, 3] {
        let [case] = suites[at].cases.as_slice() else {
            panic!("{:?}", suites[at]);
        };
        // The error and the hint, as standard error has them.
        assert!(case[3].starts_with("error: ") && case[3].contains("\nhint: "));
        assert!(run.stderr.contains(&case[3]), "{run}");
    }
}

#[test]
fn each_report_in_a_file_is_on_all_policies() {
    let policies = Policies::new();
    let [json, text, page] = ["all.json", "all.txt", "all.html"].map(|name| policies.path(name));
    let reports = ["--report", &json, "--report", &text, "--report", &page];
    let run = policies.run(&MIXED, &reports);
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(policies.read("all.txt"), run.stdout);
    let list: Value = serde_json::from_str(&policies.read("all.json")).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(5), "{list}");
    assert_eq!(list[4]["verdict"], "verified");
    assert!(is_as_the_schema_says(&policies.read("all.json")));
    let page = policies.read("all.html");
    let title = "<title>fault: Verification of 5 trust policies</title>";
    assert!(page.contains(title), "{page}");
    let sections: Vec<&str> = page.split("<article id=\"policy-").skip(1).collect();
    for ((number, name), section) in (1..).zip(MIXED).zip(&sections) {
        let path = policies.path(name);
        assert!(page.contains(&format!("<a href=\"#policy-{number}\">{path}</a>")));
        assert!(section.starts_with(&format!("{number}\">")), "{section}");
        assert!(section.contains(&format!("<h1>{path}</h1>")), "{section}");
    }
    // Only the policy that verified has last events, and those that could not be read have an error.
    let with = |part: &str| {
        let found = (0..sections.len()).filter(|at| sections[*at].contains(part));
        found.collect::<Vec<_>>()
    };
    assert_eq!(sections.len(), 5);
    assert_eq!(with("Last events, the newest first."), [4]);
    assert_eq!(with(">no verdict</strong> "), [0, 2, 3]);
    assert_eq!(with("</strong> cannot read the trust policy"), [0]);
    assert_eq!(with("<header>\n<h1>"), [0, 1, 2, 3, 4]);
    assert_eq!(with("</p>\n<p>Hint: "), [0, 2]);
    assert_eq!(with("The logs"), [1, 3, 4]);
}

#[test]
fn the_command_of_the_guide_writes_its_two_documents() {
    let policies = Policies::new();
    for name in ["payments.json", "orders.json"] {
        policies.write(name, |_| {});
    }
    let guide = root().join("docs/guides/verification.md");
    let guide = fs::read_to_string(guide).expect("the guide");
    let begin = "$ auditlog-verify --policy payments.json ";
    let mut lines = guide.lines().filter(|line| line.starts_with(begin));
    let words = lines.next().expect("the command").split(' ').skip(2);
    let command = command("auditlog-verify").args(words).arg("./bucket");
    command.current_dir(policies.0.path("")).run().ok();
    assert_eq!(suites(&policies.read("all.xml")).len(), 4);
    let page = policies.read("all.html");
    assert_eq!(page.matches("<article id=").count(), 2, "{page}");
    let pins: Value = serde_json::from_str(&policies.read("pins.json")).expect("the pins");
    assert!(pins["logs"][ORIGIN].is_object(), "{pins}");
}

/// A run that ends for every policy, since the folder is not there, still has its documents.
#[test]
fn policies_that_could_not_be_verified_are_errors_in_every_form() {
    let policies = Policies::new();
    let names = ["policy.json", "absent.json"];
    for (form, ending) in [("json", "json"), ("junit", "xml"), ("html", "html")] {
        let file = policies.path(&format!("none.{ending}"));
        let more = ["--output", form, "--report", &file, "./nowhere"];
        let run = policies.command(&names, &more).run();
        assert_eq!(run.status, 2, "{run}");
        assert_eq!(run.stderr.matches("error: ").count(), 2, "{run}");
        assert_eq!(run.stdout.matches("nowhere: No such file").count() % 2, 0);
        assert!(run.stdout.contains("nowhere: No such file"), "{run}");
        assert_eq!(policies.read(&format!("none.{ending}")), run.stdout);
    }
    let verdicts = suites(&policies.read("none.xml"));
    let verdicts: Vec<&str> = verdicts.iter().map(Suite::verdict).collect();
    assert_eq!(verdicts, ["error", "error"]);
    assert!(is_as_the_schema_says(&policies.read("none.json")));
}

#[test]
fn a_report_on_several_policies_that_cannot_be_written_is_refused_before_anything_is_read() {
    let policies = Policies::new();
    let file = policies.path("absent/all.xml");
    let names = ["policy.json", "nowhere.json"];
    let command = policies.command(&names, &["--report", &file]);
    no_verdict(
        command.arg(policies.0.bucket()),
        "cannot write the report",
        "a folder that exists",
    );
    // A policy that is written over could not be verified again.
    let over = policies.path("policy.json");
    let command = policies.command(&["newer.json", "policy.json"], &["--report", &over]);
    no_verdict(
        command.arg(policies.0.bucket()),
        "is the file of --policy",
        "another place",
    );
}

#[test]
fn the_name_of_a_policy_is_text_in_every_form_and_the_page_has_no_link_to_a_file() {
    let policies = Policies::new();
    let hostile = "x\"'><script>alert(1)<h1>verified\nverified: \u{1b}[2J\u{202e}.json";
    policies.write(hostile, |_| {});
    let page = policies.path("all.html");
    let names = [hostile, "broken.json", "policy.json"];
    let run = policies.run(&names, &["--report", &page]);
    assert_eq!(run.status, 2, "{run}");
    let seen = Command::new("python3")
        .install_with("(apt-get install chromium)")
        .arg(root().join("tests/page.py"))
        .arg(&page)
        .run()
        .ok()
        .json();
    for (tag, expected) in [("script", 0), ("h1", 4), ("article", 3), ("figure", 2)] {
        let count = seen["elements"][tag].as_u64().unwrap_or(0);
        assert_eq!(count, expected, "{tag}: {seen}");
    }
    let links = serde_json::json!(["#policy-1", "#policy-2", "#policy-3"]);
    assert_eq!(seen["links"], links, "{seen}");
    // On paper, each policy begins on a page of its own.
    assert!(seen["pages"].as_u64() > Some(4), "{seen}");
    let run = policies.run(&names, &["--output", "junit"]);
    let shown = "x\"'><script>alert(1)<h1>verified\\nverified: \\u{1b}[2J\\u{202e}.json";
    let files: Vec<_> = suites(&run.stdout)
        .into_iter()
        .map(|one| one.file)
        .collect();
    assert_eq!(files[0], Some(policies.path(shown)));
    fs::remove_file(policies.0.path(hostile)).expect("a removed file");
    let run = policies.run(&names, &[]);
    assert!(!run.stdout.starts_with("verified: "), "{run}");
    assert!(run.stdout.contains(shown), "{run}");
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{run}");
}
