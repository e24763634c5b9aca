//! Pages of a small provider in a temporary folder.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::{
    Attribute, ConfigureContext, Context, DataSource, Function, FunctionError, Parameter, Registry,
    Result, Signature, Type, model,
};

/// With a description of what the data source gives, or without.
struct Greeter(&'static str);

impl Provider for Greeter {
    type Config = ();
    type Data = ();

    fn schema(&self) -> Schema {
        Schema::new().description("Greetings as code.")
    }

    fn register(&self, registry: &mut Registry<()>) {
        registry.data_source(Greeting(self.0));
        registry.function(Shout);
    }

    async fn configure(&self, _: &ConfigureContext, (): ()) -> Result<()> {
        Ok(())
    }
}

struct Greeting(&'static str);

model! { struct GreetingModel { text: Option<String> } }

impl DataSource for Greeting {
    const NAME: &'static str = "greeter_greeting";
    type Data = ();
    type Model = GreetingModel;

    fn schema(&self) -> Schema {
        let text = Attribute::computed(Type::String).description(self.0);
        Schema::new()
            .description("A greeting\nof two lines.\n\nAnd more.")
            .attribute("text", text)
    }

    async fn read(&self, _: &Context<()>, config: GreetingModel) -> Result<GreetingModel> {
        Ok(config)
    }
}

struct Shout;

impl Function for Shout {
    const NAME: &'static str = "shout";
    type Arguments = (String, Vec<String>);
    type Output = String;

    fn signature(&self) -> Signature {
        let words = Parameter::new("words", Type::String).description("More words.");
        Signature::returning(Type::String)
            .summary("Puts words in capitals.")
            .parameter(Parameter::new("word", Type::String).description("A word."))
            .variadic(words)
    }

    async fn call(&self, (word, _): (String, Vec<String>)) -> Result<String, FunctionError> {
        Ok(word)
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A root with all examples.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let examples = [
        ("provider/provider.tf", "provider \"greeter\" {}\n"),
        ("data-sources/greeter_greeting/data-source.tf", "# greeting"),
        ("functions/shout/function.tf", "# shout\n"),
    ];
    for (path, text) in examples {
        write(root.path(), &format!("examples/{path}"), text);
    }
    root
}

fn pages(root: &TempDir) -> Result<Pages, DocsError> {
    Pages::generate(&Greeter("The text."), "greeter", root.path())
}

fn refused(root: &TempDir) -> String {
    pages(root).unwrap_err().to_string()
}

#[test]
fn page_without_a_template_has_description_example_and_schema() {
    let expected = "---\n# Generated from the schema, templates/ and examples/. Do not edit.\n\
        page_title: \"greeter_greeting Data Source - greeter\"\ndescription: |-\n  A greeting of two lines.\n---\n\n\
        # greeter_greeting (Data Source)\n\nA greeting\nof two lines.\n\nAnd more.\n\n\
        ## Example Usage\n\n```terraform\n# greeting\n```\n\n\
        ## Schema\n\n### Read-Only\n\n- `text` (String) The text.\n";
    let pages = pages(&root()).unwrap();
    assert_eq!(pages.page("data-sources/greeting.md"), Some(expected));
    let paths: Vec<_> = pages.iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        ["data-sources/greeting.md", "functions/shout.md", "index.md"]
    );
}

#[test]
fn function_has_its_signature_and_its_arguments_in_order() {
    let pages = pages(&root()).unwrap();
    let page = pages.page("functions/shout.md").unwrap();
    let expected = "## Signature\n\n```text\nshout(word string, words string...) string\n```\n\n## Arguments\n\n\
        1. `word` (String) A word.\n2. `words` (String, any number) More words.\n";
    assert!(page.ends_with(expected), "{page}");
}

#[test]
fn lines_of_a_template_are_replaced() {
    let root = root();
    let template =
        "Before.\n\n{{ import }}\n\n{{ schema }}\n\n{{ file a/b.sh }}\nAfter {{ this }}.\n";
    write(
        root.path(),
        "templates/data-sources/greeting.md.tmpl",
        template,
    );
    write(root.path(), "a/b.sh", "run\n");
    let pages = pages(&root).unwrap();
    let page = pages.page("data-sources/greeting.md").unwrap();
    let expected = "And more.\n\nBefore.\n\n## Schema\n\n### Read-Only\n\n- `text` (String) The text.\n\n\
        ```shell\nrun\n```\nAfter {{ this }}.\n";
    assert!(page.ends_with(expected), "{page}");
}

#[test]
fn template_that_loses_the_schema_or_has_a_wrong_line_is_refused() {
    let root = root();
    let template = "templates/data-sources/greeting.md.tmpl";
    write(root.path(), template, "{{ example }}\n");
    assert_eq!(
        refused(&root),
        format!("{template} has no line {{{{ schema }}}}")
    );
    write(root.path(), template, "{{ schemas }}\n");
    let known = "{{ example }}, {{ schema }}, {{ import }}, {{ file PATH }}";
    assert_eq!(
        refused(&root),
        format!("{template}: \"{{{{ schemas }}}}\" is not one of {known}")
    );
}

#[test]
fn what_lacks_an_example_or_a_description_is_named() {
    let root = root();
    let undescribed = Pages::generate(&Greeter(""), "greeter", root.path()).unwrap_err();
    let expected = "no description of:\n  greeter_greeting: text";
    assert_eq!(undescribed.to_string(), expected);
    let example = "examples/data-sources/greeter_greeting/data-source.tf";
    fs::remove_file(root.path().join(example)).unwrap();
    let expected = format!("greeter_greeting has no example: write {example}");
    assert_eq!(refused(&root), expected);
}

#[test]
fn pages_that_are_missing_outdated_or_stale_are_found_and_settled() {
    let root = root();
    let pages = pages(&root).unwrap();
    pages.write(root.path()).unwrap();
    assert_eq!(pages.differences(root.path()).unwrap(), []);
    write(root.path(), "docs/index.md", "old");
    write(root.path(), "docs/resources/gone.md", "old");
    write(root.path(), "docs/guides/kept.md", "a guide");
    fs::remove_file(root.path().join("docs/functions/shout.md")).unwrap();
    let expected = [
        Difference::Missing("functions/shout.md".to_owned()),
        Difference::Outdated("index.md".to_owned()),
        Difference::Stale("resources/gone.md".to_owned()),
    ];
    assert_eq!(pages.differences(root.path()).unwrap(), expected);
    assert_eq!(pages.write(root.path()).unwrap(), expected);
    assert_eq!(pages.differences(root.path()).unwrap(), []);
    assert!(root.path().join("docs/guides/kept.md").exists());
}
