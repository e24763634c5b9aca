//! The resource `fs_folder`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::ErrorKind;
use std::path::Path;

use tf_provider::{
    Attribute, Block, Context, Diagnostic, Field, Fields, Nested, Number, Object, Resource, Result,
    Schema, Type, Value, model,
};

use crate::root::Root;

pub(crate) struct Folder;

model! {
    #[derive(Clone)]
    pub(crate) struct Model {
        path: String,
        files: Option<BTreeMap<String, Entry>>,
        rules: Option<BTreeSet<Rule>>,
        ignore: BTreeSet<Ignore>,
        labels: Option<BTreeMap<String, String>>,
        quota: Option<Number>,
        extra: Option<Value>,
        token: Field<String>,
    }

    #[derive(Clone)]
    pub(crate) struct Entry {
        content: String,
        size: Field<u64>,
    }

    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Rule {
        contains: String,
        action: String,
        unless: Option<Vec<Ignore>>,
        matches: Field<u64>,
    }

    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Ignore {
        contains: String,
    }
}

/// This key of the private data says that the folder was imported. The reverse would not work: Terraform does not hand
/// the private data of a tainted resource to the delete that makes room for its successor.
const IMPORTED: &str = "imported";

/// Holds the token.
const TOKEN_FILE: &str = ".token";

impl Resource for Folder {
    const NAME: &'static str = "fs_folder";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        let contains = || Attribute::required(Type::String).description("Part of a file's name.");
        let entry = Fields::new()
            .attribute("content", Attribute::optional(Type::String).default(""))
            .attribute("size", Attribute::computed(Type::Number));
        let rule = Fields::new()
            .attribute("contains", contains())
            .attribute("action", Attribute::optional(Type::String).default("keep"))
            .attribute(
                "unless",
                Attribute::optional(Nested::list(
                    Fields::new().attribute("contains", contains()),
                )),
            )
            .attribute(
                "matches",
                Attribute::computed(Type::Number).description("How many files it is about."),
            );
        Schema::new()
            .version(1)
            .description("A folder with its files.")
            .attribute("path", Attribute::required(Type::String).requires_replace())
            .attribute(
                "files",
                Attribute::optional(Nested::map(entry)).description("By name."),
            )
            .attribute("rules", Attribute::optional(Nested::set(rule)))
            .attribute("labels", Attribute::optional(Type::map(Type::String)))
            .attribute("quota", Attribute::optional(Type::Number))
            .attribute("extra", Attribute::optional(Type::Dynamic))
            .attribute(
                "token",
                Attribute::computed(Type::String)
                    .sensitive()
                    .use_state_for_unknown(),
            )
            .block(
                "ignore",
                Block::set(Fields::new().attribute("contains", contains()))
                    .description("Files that no rule is about."),
            )
    }

    /// What exists is kept after each step, so that a failure in the middle leaves a folder that Terraform knows of.
    async fn create(&self, cx: &Context<Root>, planned: Model) -> Result<Model> {
        let folder = cx.data().join(&planned.path);
        fs::create_dir(&folder).map_err(|error| failed("made", &folder, &error))?;
        let mut made = Model {
            files: None,
            rules: None,
            token: new_token().into(),
            ..planned.clone()
        };
        cx.keep(&made);
        for (name, entry) in planned.files.iter().flatten() {
            let entry = write(&folder, name, entry)?;
            made.files
                .get_or_insert_default()
                .insert(name.clone(), entry);
            cx.keep(&made);
        }
        let token = made.token.known().map_or("", String::as_str);
        fs::write(folder.join(TOKEN_FILE), token)
            .map_err(|error| failed("written", &folder, &error))?;
        Ok(counted(Model {
            files: made.files.or(planned.files),
            rules: planned.rules,
            ..made
        }))
    }

    async fn read(&self, cx: &Context<Root>, state: Model) -> Result<Option<Model>> {
        let folder = cx.data().join(&state.path);
        if !folder.is_dir() {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        for name in state.files.iter().flatten().map(|(name, _)| name) {
            if let Some(entry) = look(&folder, name)? {
                files.insert(name.clone(), entry);
            }
        }
        let files = state.files.is_some().then_some(files);
        Ok(Some(Model { files, ..state }))
    }

    async fn update(&self, cx: &Context<Root>, prior: Model, planned: Model) -> Result<Model> {
        let folder = cx.data().join(&prior.path);
        let of = |model: &Model| model.files.clone().unwrap_or_default();
        let mut files = of(&planned);
        for gone in of(&prior).keys().filter(|name| !files.contains_key(*name)) {
            remove(&folder.join(gone))?;
        }
        for (name, entry) in &mut files {
            *entry = write(&folder, name, entry)?;
        }
        Ok(counted(Model {
            files: planned.files.is_some().then_some(files),
            ..planned
        }))
    }

    /// Removes what was made here: the folder with the files that the state knows, if there are no others. A folder
    /// that was there before Terraform stays.
    async fn delete(&self, cx: &Context<Root>, state: Model) -> Result {
        let folder = cx.data().join(&state.path);
        if cx.private(IMPORTED).is_some() {
            tracing::info!(folder = %folder.display(), "an imported folder stays");
            return Ok(());
        }
        for name in state.files.iter().flatten().map(|(name, _)| name) {
            remove(&folder.join(name))?;
        }
        remove(&folder.join(TOKEN_FILE))?;
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removed", &folder, &error).into())
            }
            _ => Ok(()),
        }
    }

    async fn import(&self, cx: &Context<Root>, id: String) -> Result<Model> {
        let folder = cx.data().join(&id);
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(|error| failed("read", &folder, &error))? {
            let entry = entry.map_err(|error| failed("read", &folder, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(entry) = look(&folder, &name)? {
                files.insert(name, entry);
            }
        }
        cx.set_private(IMPORTED, "yes");
        Ok(Model {
            path: id,
            files: Some(files),
            rules: None,
            ignore: BTreeSet::new(),
            labels: None,
            quota: None,
            extra: None,
            token: Field::Null,
        })
    }

    /// Version 0 had `name` for `path`, and labels as a list of `key=value`.
    fn upgrade(&self, _: i64, mut state: Object) -> Result<Object> {
        state.rename("name", "path");
        let labels: Option<Vec<String>> = state.get("labels")?;
        let labels: Option<BTreeMap<_, _>> = labels.map(|labels| {
            let pairs = labels.iter().filter_map(|label| label.split_once('='));
            pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        });
        state.set("labels", labels);
        Ok(state)
    }
}

/// The same, with the number of files that each rule is about.
fn counted(model: Model) -> Model {
    let files = model.files.clone().unwrap_or_default();
    let matches = |rule: &Rule| {
        let about = |name: &&String| {
            name.contains(&rule.contains)
                && !(model.ignore.iter())
                    .chain(rule.unless.iter().flatten())
                    .any(|ignore| name.contains(&ignore.contains))
        };
        files.keys().filter(about).count() as u64
    };
    let rules = model.rules.as_ref().map(|rules| {
        let counted = rules.iter().map(|rule| Rule {
            matches: matches(rule).into(),
            ..rule.clone()
        });
        counted.collect()
    });
    Model { rules, ..model }
}

/// Unlikely to be guessed: the seed of the standard library's hash maps.
fn new_token() -> String {
    let random = std::hash::RandomState::new().build_hasher().finish();
    format!("{random:016x}")
}

/// A file as it is; `None` if it is gone or no file.
fn look(folder: &Path, name: &str) -> Result<Option<Entry>> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(content) => Ok(Some(Entry {
            size: (content.len() as u64).into(),
            content,
        })),
        Err(error) if [ErrorKind::NotFound, ErrorKind::IsADirectory].contains(&error.kind()) => {
            Ok(None)
        }
        Err(error) => Err(failed("read", &path, &error).into()),
    }
}

fn write(folder: &Path, name: &str, entry: &Entry) -> Result<Entry> {
    let path = folder.join(name);
    fs::write(&path, &entry.content).map_err(|error| {
        failed("written", &path, &error).at(tf_provider::AttributePath::from("files").key(name))
    })?;
    Ok(Entry {
        content: entry.content.clone(),
        size: (entry.content.len() as u64).into(),
    })
}

fn remove(path: &Path) -> Result {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(failed("removed", path, &error).into())
        }
        _ => Ok(()),
    }
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    let detail = format!("{}: {error}.", path.display());
    Diagnostic::error(format!("Folder cannot be {what}"), detail).at("path")
}
