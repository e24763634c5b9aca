//! The resource `fs_file`.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tf_provider::{
    Attribute, Context, Diagnostic, Field, Fields, Nested, Object, Plan, Resource, Result, Schema,
    Type, model,
};

use crate::root::Root;

pub(crate) struct File;

model! {
    #[derive(Clone)]
    pub(crate) struct Model => ModelPlan {
        path: String,
        content: String,
        mode: String,
        tags: Option<BTreeSet<String>>,
        owner: Option<Owner>,
        note: Option<String>,
        id: Field<String>,
        size: Field<u64>,
    }

    #[derive(Clone)]
    pub(crate) struct Owner => OwnerPlan {
        team: String,
        contact: String,
    }
}

impl Resource for File {
    const NAME: &'static str = "fs_file";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        let owner = Fields::new()
            .attribute("team", Attribute::required(Type::String))
            .attribute(
                "contact",
                Attribute::optional(Type::String).default("nobody"),
            );
        Schema::new()
            .description("A file with its content.")
            .attribute(
                "path",
                Attribute::required(Type::String)
                    .requires_replace()
                    .validate(|path: String| {
                        let relative = Path::new(&path).is_relative();
                        relative.then_some(()).ok_or_else(|| {
                            "The path is relative to the provider's root.".to_owned()
                        })
                    }),
            )
            .attribute("content", Attribute::optional(Type::String).default(""))
            .attribute(
                "mode",
                Attribute::optional(Type::String)
                    .default("0644")
                    .validate(|mode: String| {
                        u32::from_str_radix(&mode, 8)
                            .map(drop)
                            .map_err(|_| format!("{mode:?} is not octal, such as 0644."))
                    }),
            )
            .attribute(
                "tags",
                Attribute::optional(Type::set(Type::String)).description("Kept in the state only."),
            )
            .attribute(
                "owner",
                Attribute::optional(Nested::single(owner)).description("Kept in the state only."),
            )
            .attribute(
                "note",
                Attribute::optional(Type::String)
                    .write_only()
                    .description("Written beside the file when it is created."),
            )
            .attribute(
                "id",
                Attribute::computed(Type::String).use_state_for_unknown(),
            )
            .attribute(
                "size",
                Attribute::computed(Type::Number).description("Length in bytes."),
            )
    }

    /// The size follows from the content, so a plan has it as soon as that is known.
    async fn plan(&self, _: &Context<Root>, plan: &mut Plan) -> Result {
        let mut sides = plan.typed::<Model>()?;
        if let Field::Known(content) = &sides.planned.content {
            sides.planned.size = Field::Known(content.len() as u64);
            plan.set_planned(&sides.planned);
        }
        Ok(())
    }

    async fn create(&self, cx: &Context<Root>, planned: Model) -> Result<Model> {
        let path = cx.data().join(&planned.path);
        if path.exists() {
            let detail = format!(
                "{} is there already. Import it, or remove it.",
                path.display()
            );
            return Err(Diagnostic::error("File exists", detail).at("path").into());
        }
        let made = Model {
            id: planned.path.clone().into(),
            size: Field::Unknown,
            ..planned
        };
        write(&path, &made)?;
        // From here on the file exists, whatever else goes wrong.
        cx.keep(&made);
        if let Some(note) = note(cx.config())? {
            fs::write(path.with_extension("note"), note)
                .map_err(|error| failed("written", &path, &error))?;
        }
        cx.set_private("created_by", env!("CARGO_PKG_VERSION"));
        tracing::debug!(path = made.path, bytes = made.content.len(), "file created");
        Ok(Model {
            size: (made.content.len() as u64).into(),
            ..made
        })
    }

    async fn read(&self, cx: &Context<Root>, state: Model) -> Result<Option<Model>> {
        look(&cx.data().join(&state.path), state)
    }

    async fn update(&self, cx: &Context<Root>, prior: Model, planned: Model) -> Result<Model> {
        write(&cx.data().join(&prior.path), &planned)?;
        Ok(Model {
            size: (planned.content.len() as u64).into(),
            ..planned
        })
    }

    async fn delete(&self, cx: &Context<Root>, state: Model) -> Result {
        let path = cx.data().join(&state.path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removed", &path, &error).into())
            }
            _ => Ok(()),
        }
    }

    async fn import(&self, cx: &Context<Root>, id: String) -> Result<Model> {
        let path = cx.data().join(&id);
        let blank = Model {
            path: id.clone(),
            content: String::new(),
            mode: String::new(),
            tags: None,
            owner: None,
            note: None,
            id: id.into(),
            size: Field::Null,
        };
        let missing = || {
            Diagnostic::error(
                "No such file",
                format!("{} does not exist.", path.display()),
            )
        };
        Ok(look(&path, blank)?.ok_or_else(missing)?)
    }
}

/// What is on the disk, in place of what the state has.
fn look(path: &Path, state: Model) -> Result<Option<Model>> {
    let content = match fs::read_to_string(path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error).into()),
    };
    let metadata = fs::metadata(path).map_err(|error| failed("read", path, &error))?;
    let mode = format!("{:04o}", metadata.permissions().mode() & 0o7777);
    Ok(Some(Model {
        size: metadata.len().into(),
        content,
        mode,
        ..state
    }))
}

fn write(path: &Path, model: &Model) -> Result {
    // The schema has checked that it is octal.
    let mode = u32::from_str_radix(&model.mode, 8).unwrap_or(0o644);
    fs::write(path, &model.content)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(|error| failed("written", path, &error).into())
}

fn note(config: &Object) -> Result<Option<String>> {
    Ok(config.get("note")?)
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        format!("File cannot be {what}"),
        format!("{}: {error}.", path.display()),
    )
    .at("path")
}
