//! The resource `fs_directory`: it has an identity, is found by `terraform query`, takes over what `terraform_data` kept
//! the place of, and warns when its end is planned while it holds anything.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use tf_provider::{
    Attribute, Context, Diagnostic, Field, IdentityAttribute, IdentitySchema, ListResource, Listed,
    Listing, MoveSource, Moved, Object, Resource, Result, Schema, Type, Value, model,
};

use crate::root::Root;

pub(crate) struct Directory;

model! {
    #[derive(Clone)]
    pub(crate) struct Model {
        path: String,
        label: Field<Value>,
    }

    /// What a query says.
    pub(crate) struct Query {
        within: Option<String>,
    }
}

impl Resource for Directory {
    const NAME: &'static str = "fs_directory";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("A directory, with no say over what it holds.")
            .attribute("path", Attribute::required(Type::String).requires_replace())
            .attribute(
                "label",
                Attribute::optional(Type::Dynamic)
                    .description("Anything at all. Kept in the state only."),
            )
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let path = IdentityAttribute::required(Type::String).description("Below the root.");
        Some(IdentitySchema::new().attribute("path", path))
    }

    async fn create(&self, cx: &Context<Root>, planned: Model) -> Result<Model> {
        let path = cx.data().join(&planned.path);
        fs::create_dir(&path).map_err(|error| failed("made", &path, &error))?;
        Ok(planned)
    }

    async fn read(&self, cx: &Context<Root>, state: Model) -> Result<Option<Model>> {
        let there = cx.data().join(&state.path).is_dir();
        Ok(there.then_some(state))
    }

    async fn update(&self, _: &Context<Root>, _: Model, planned: Model) -> Result<Model> {
        Ok(planned)
    }

    async fn plan_destroy(&self, cx: &Context<Root>, state: Model) -> Result {
        let path = cx.data().join(&state.path);
        let mut inside = fs::read_dir(&path).into_iter().flatten();
        if inside.next().is_some() {
            let detail = format!(
                "{} holds something, and may hold it still then.",
                path.display()
            );
            cx.warn(Diagnostic::warning("Directory is not empty", detail).at("path"));
        }
        Ok(())
    }

    async fn delete(&self, cx: &Context<Root>, state: Model) -> Result {
        let path = cx.data().join(&state.path);
        match fs::remove_dir(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removed", &path, &error).into())
            }
            _ => Ok(()),
        }
    }

    async fn import(&self, cx: &Context<Root>, path: String) -> Result<Model> {
        if cx.data().join(&path).is_dir() {
            let label = Field::Null;
            return Ok(Model { path, label });
        }
        Err(Diagnostic::error("No such directory", format!("{path} is not a directory.")).into())
    }

    async fn import_by_identity(&self, cx: &Context<Root>, identity: Object) -> Result<Model> {
        self.import(cx, identity.get("path")?).await
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Moved>> {
        if source.type_name != "terraform_data" {
            return Ok(None);
        }
        // Its input is of open type: the state has value and type.
        let input: Object = source.state.get("input")?;
        let state = Object::new().with("path", input.value("value").clone());
        Ok(Some(state.into()))
    }
}

impl ListResource for Directory {
    const NAME: &'static str = "fs_directory";
    type Data = Root;
    type Config = Query;

    fn schema(&self) -> Schema {
        let within = Attribute::optional(Type::String);
        Schema::new().attribute(
            "within",
            within.description("A directory; the root if left out."),
        )
    }

    async fn list(&self, cx: &Context<Root>, query: Query, listing: &Listing) -> Result {
        let within = query.within.unwrap_or_default();
        let folder = cx.data().join(&within);
        for entry in fs::read_dir(&folder).map_err(|error| failed("read", &folder, &error))? {
            let entry = entry.map_err(|error| failed("read", &folder, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = Path::new(&within)
                .join(&name)
                .to_string_lossy()
                .into_owned();
            if !entry.path().is_dir() {
                continue;
            }
            let listed = Listed::new(name, Object::new().with("path", &path));
            let label = Field::Null;
            if !listing.found(listed.state(&Model { path, label })).await {
                break;
            }
        }
        Ok(())
    }
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        format!("Directory cannot be {what}"),
        format!("{}: {error}.", path.display()),
    )
    .at("path")
}
