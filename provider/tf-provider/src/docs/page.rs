//! One page: its place, its examples and its template.

use std::path::{Path, PathBuf};

use super::{DocsError, folder, function, schema};
use crate::{AttributePath, Schema, Signature};

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Provider,
    Resource,
    DataSource,
    Function,
    Ephemeral,
    List,
    Action,
}

impl Kind {
    /// Its folder in `docs/` and `examples/`, its word in titles, and the file with the example.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Provider => ("provider", "Provider", "provider.tf"),
            Self::Resource => ("resources", "Resource", "resource.tf"),
            Self::DataSource => ("data-sources", "Data Source", "data-source.tf"),
            Self::Function => ("functions", "Function", "function.tf"),
            Self::Ephemeral => (
                "ephemeral-resources",
                "Ephemeral Resource",
                "ephemeral-resource.tf",
            ),
            Self::List => (
                "list-resources",
                "List Resource",
                "list-resource.tfquery.hcl",
            ),
            Self::Action => ("actions", "Action", "action.tf"),
        }
    }
}

/// Where the text of a page comes from.
enum Source<'a> {
    Schema(&'a Schema),
    Function(&'a Signature),
}

/// One page before it is written.
pub(super) struct Page<'a> {
    provider: &'a str,
    kind: Kind,
    name: &'a str,
    source: Source<'a>,
}

/// A page without a template.
const DEFAULT: &str = "{{ example }}\n\n{{ schema }}\n\n{{ import }}\n";

const GENERATED: &str = "# Generated from the schema, templates/ and examples/. Do not edit.";

impl<'a> Page<'a> {
    pub(super) fn of_schema(
        provider: &'a str,
        kind: Kind,
        name: &'a str,
        schema: &'a Schema,
    ) -> Self {
        Self {
            provider,
            kind,
            name,
            source: Source::Schema(schema),
        }
    }

    pub(super) fn of_function(provider: &'a str, name: &'a str, signature: &'a Signature) -> Self {
        Self {
            provider,
            kind: Kind::Function,
            name,
            source: Source::Function(signature),
        }
    }

    /// Its path in `docs/`.
    pub(super) fn path(&self) -> String {
        format!("{}.md", self.stem())
    }

    fn stem(&self) -> String {
        if self.kind == Kind::Provider {
            return "index".to_owned();
        }
        let (folder, ..) = self.kind.words();
        let short = self.name.strip_prefix(self.provider);
        let short = short.and_then(|rest| rest.strip_prefix('_'));
        format!("{folder}/{}", short.unwrap_or(self.name))
    }

    /// What has no description, with the name of what it belongs to.
    pub(super) fn undescribed(&self) -> Vec<String> {
        let mut found = Vec::new();
        match self.source {
            Source::Schema(schema) => {
                schema::undescribed(&schema.fields, &AttributePath::root(), &mut found);
            }
            Source::Function(signature) => {
                found.extend(function::undescribed(signature).map(str::to_owned));
            }
        }
        let mut found: Vec<_> = found
            .into_iter()
            .map(|path| format!("{}: {path}", self.name))
            .collect();
        if self.description().is_empty() {
            found.push(self.name.to_owned());
        }
        found
    }

    fn description(&self) -> String {
        match self.source {
            Source::Schema(schema) => schema.description.clone(),
            Source::Function(signature) if signature.description.is_empty() => {
                signature.summary.clone()
            }
            Source::Function(signature) => signature.description.clone(),
        }
    }

    /// The whole text.
    pub(super) fn render(&self, root: &Path) -> Result<String, DocsError> {
        let (page_title, title) = self.titles();
        let description = self.description();
        let first = description.split("\n\n").next().unwrap_or_default();
        let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let body = self.body(root)?;
        Ok(format!(
            "---\n{GENERATED}\npage_title: \"{page_title}\"\ndescription: |-\n  {first}\n---\n\n# {title}\n\n{}\n\n{}\n",
            description.trim(),
            body.trim()
        ))
    }

    fn titles(&self) -> (String, String) {
        let (_, word, _) = self.kind.words();
        let (name, provider) = (self.name, self.provider);
        match self.kind {
            Kind::Provider => (format!("{name} Provider"), format!("{name} Provider")),
            Kind::Function => (
                format!("{name} function - {provider}"),
                format!("function: {name}"),
            ),
            Kind::Resource | Kind::DataSource | Kind::Ephemeral | Kind::List | Kind::Action => (
                format!("{name} {word} - {provider}"),
                format!("{name} ({word})"),
            ),
        }
    }

    /// What follows the description: the template with its lines replaced.
    fn body(&self, root: &Path) -> Result<String, DocsError> {
        let template = Path::new("templates").join(format!("{}.md.tmpl", self.stem()));
        let text = folder::read(&root.join(&template))?;
        let text = text.as_deref().unwrap_or(DEFAULT);
        let mut body = String::new();
        let mut has_schema = false;
        let mut skip_blank = false;
        for line in text.lines() {
            if std::mem::take(&mut skip_blank) && line.is_empty() {
                continue;
            }
            let Some(wanted) = placeholder(line) else {
                body.push_str(line);
                body.push('\n');
                continue;
            };
            has_schema |= wanted == "schema";
            let replaced = self.replaced(wanted, &template, root)?;
            // A section that is empty leaves no blank lines behind.
            skip_blank = replaced.is_empty();
            body.push_str(&replaced);
        }
        if has_schema {
            Ok(body)
        } else {
            Err(DocsError::NoSchema(template))
        }
    }

    fn replaced(&self, wanted: &str, template: &Path, root: &Path) -> Result<String, DocsError> {
        match wanted.split_once(' ') {
            None if wanted == "schema" => Ok(self.schema()),
            None if wanted == "example" => self.example(root),
            None if wanted == "import" => self.import(root),
            Some(("file", path)) => {
                let path = Path::new(path.trim());
                let text = folder::read(&root.join(path))?;
                text.map(|text| code(path, &text))
                    .ok_or_else(|| DocsError::NoExample {
                        of: template.display().to_string(),
                        path: path.to_owned(),
                    })
            }
            _ => Err(DocsError::UnknownLine {
                template: template.to_owned(),
                line: format!("{{{{ {wanted} }}}}"),
            }),
        }
    }

    fn schema(&self) -> String {
        match self.source {
            Source::Schema(schema) => schema::schema(&schema.fields),
            Source::Function(signature) => function::signature(self.name, signature),
        }
    }

    fn examples(&self) -> PathBuf {
        let (folder, ..) = self.kind.words();
        let folder = Path::new("examples").join(folder);
        if self.kind == Kind::Provider {
            folder
        } else {
            folder.join(self.name)
        }
    }

    fn example(&self, root: &Path) -> Result<String, DocsError> {
        let (_, _, file) = self.kind.words();
        let path = self.examples().join(file);
        let text = folder::read(&root.join(&path))?;
        let text = text.ok_or_else(|| DocsError::NoExample {
            of: self.name.to_owned(),
            path: path.clone(),
        })?;
        Ok(format!("## Example Usage\n\n{}", code(&path, &text)))
    }

    fn import(&self, root: &Path) -> Result<String, DocsError> {
        let mut shown = Vec::new();
        for file in ["import.tf", "import.sh"] {
            let path = self.examples().join(file);
            let text = folder::read(&root.join(&path))?;
            shown.extend(text.map(|text| code(&path, &text)));
        }
        if shown.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("## Import\n\n{}", shown.join("\n")))
    }
}

/// What a line in double braces asks for.
fn placeholder(line: &str) -> Option<&str> {
    let inside = line.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    Some(inside.trim())
}

fn code(path: &Path, text: &str) -> String {
    let extension = path.extension().and_then(std::ffi::OsStr::to_str);
    let language = match extension {
        Some("tf" | "hcl" | "tfvars") => "terraform",
        Some("sh") => "shell",
        Some(other) => other,
        None => "text",
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("```{language}\n{text}{end}```\n")
}
