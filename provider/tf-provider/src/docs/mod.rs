//! Documentation of a provider in the layout of Terraform's registry, made from its schemas, templates and examples.
//!
//! Below one folder, the root of the provider's repository:
//!
//! | folder | holds |
//! | --- | --- |
//! | `docs/` | the pages: `index.md`, `resources/`, `data-sources/`, `functions/`, `ephemeral-resources/`, `list-resources/`, `actions/` |
//! | `examples/` | an example for each page, such as `resources/greeter_greeting/resource.tf`, and how to import: `import.sh`, `import.tf` |
//! | `templates/` | text for a page, under the page's path with the ending `.md.tmpl`; it may be left out |
//!
//! A page begins with its title and the description of the schema. A template is what follows, in Markdown. Some of its lines are
//! replaced:
//!
//! | line | by |
//! | --- | --- |
//! | `{{ example }}` | the example under the heading "Example Usage" |
//! | `{{ schema }}` | all arguments and attributes with their descriptions; of a function, its signature and arguments |
//! | `{{ import }}` | how to import, under the heading "Import", if there is an example of it |
//! | `{{ file PATH }}` | a file of the repository as a code block |
//!
//! ```
//! # use tf_provider::{Attribute, ConfigureContext, Provider, Registry, Result, Schema, Type, model};
//! use tf_provider::docs::Pages;
//!
//! # struct Greeter;
//! # model! { struct Config { name: Option<String> } }
//! # impl Provider for Greeter {
//! #     type Config = Config;
//! #     type Data = ();
//! #     fn schema(&self) -> Schema {
//! #         let name = Attribute::optional(Type::String).description("Who greets. Default: the user.");
//! #         Schema::new().description("Greetings as code.").attribute("name", name)
//! #     }
//! #     fn register(&self, _: &mut Registry<()>) {}
//! #     async fn configure(&self, _: &ConfigureContext, _: Config) -> Result<()> { Ok(()) }
//! # }
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path();
//! # std::fs::create_dir_all(root.join("examples/provider"))?;
//! # std::fs::write(root.join("examples/provider/provider.tf"), "provider \"greeter\" {}\n")?;
//! let pages = Pages::generate(&Greeter, "greeter", root)?;
//! let index = pages.page("index.md").unwrap();
//! assert!(index.contains("- `name` (String) Who greets. Default: the user."));
//!
//! // for CI: nothing differs once it is written
//! pages.write(root)?;
//! assert!(pages.differences(root)?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod folder;
mod function;
mod page;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::DocsError;
pub use folder::Difference;

use crate::offer::Offer;
use crate::registry::Registry;
use crate::{Provider, Schema};
use page::{Kind, Page};

/// The pages of a provider's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages(BTreeMap<String, String>);

impl Pages {
    /// Makes all pages. `name` is what the names of the provider's resources begin with; `root` has `templates/` and `examples/`.
    ///
    /// # Errors
    /// The provider's schemas have mistakes, an attribute has no description, an example is missing, or a template is wrong.
    pub fn generate<P: Provider>(provider: &P, name: &str, root: &Path) -> Result<Self, DocsError> {
        let offer = Offer::of(provider).map_err(DocsError::Schemas)?;
        let mut undescribed = Vec::new();
        let mut pages = BTreeMap::new();
        for page in all(&offer, name) {
            undescribed.extend(page.undescribed());
            pages.insert(page.path(), page.render(root)?);
        }
        if !undescribed.is_empty() {
            return Err(DocsError::NotDescribed(undescribed));
        }
        Ok(Self(pages))
    }

    /// A page by its path in `docs/`, such as `resources/greeting.md`.
    pub fn page(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Paths and texts, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// What is different in `docs/` of this root. Guides, and anything else outside of the pages' folders, are not looked at.
    ///
    /// # Errors
    /// A page or folder cannot be read.
    pub fn differences(&self, root: &Path) -> Result<Vec<Difference>, DocsError> {
        folder::differences(&self.0, &root.join("docs"))
    }

    /// Writes the pages that differ to `docs/` of this root, removes those that are not made any more, and returns both.
    ///
    /// # Errors
    /// A page or folder cannot be read, written or removed.
    pub fn write(&self, root: &Path) -> Result<Vec<Difference>, DocsError> {
        let folder = root.join("docs");
        let differences = folder::differences(&self.0, &folder)?;
        for difference in &differences {
            folder::settle(difference, &self.0, &folder)?;
        }
        Ok(differences)
    }
}

fn all<'a, D>(offer: &'a Offer<D>, provider: &'a str) -> Vec<Page<'a>> {
    let Registry {
        resources,
        data_sources,
        functions,
        ephemerals,
        lists,
        actions,
        ..
    } = &offer.registry;
    let of = |kind: Kind, name: &'a str, schema: &'a Schema| {
        Page::of_schema(provider, kind, name, schema)
    };
    let mut pages = vec![of(Kind::Provider, provider, &offer.schema)];
    pages.extend(
        resources
            .iter()
            .map(|(name, one)| of(Kind::Resource, name, one.schema())),
    );
    pages.extend(
        data_sources
            .iter()
            .map(|(name, one)| of(Kind::DataSource, name, one.schema())),
    );
    pages.extend(
        ephemerals
            .iter()
            .map(|(name, one)| of(Kind::Ephemeral, name, one.schema())),
    );
    pages.extend(
        lists
            .iter()
            .map(|(name, one)| of(Kind::List, name, one.schema())),
    );
    pages.extend(
        actions
            .iter()
            .map(|(name, one)| of(Kind::Action, name, one.schema())),
    );
    pages.extend(
        functions
            .iter()
            .map(|(name, one)| Page::of_function(provider, name, one.signature())),
    );
    pages
}
