//! The ephemeral resource `fs_lock`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use tf_provider::{
    Attribute, Context, Diagnostic, EphemeralResource, Field, Opened, Result, Schema, Type, model,
};

use crate::root::Root;

pub(crate) struct Lock;

model! {
    pub(crate) struct Model {
        path: String,
        holder: Field<u32>,
    }
}

impl EphemeralResource for Lock {
    const NAME: &'static str = "fs_lock";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .description("A lock that is held during a run: a file that is there meanwhile.")
            .attribute("path", Attribute::required(Type::String))
            .attribute(
                "holder",
                Attribute::computed(Type::Number).description("The process that holds it."),
            )
    }

    async fn open(&self, cx: &Context<Root>, config: Model) -> Result<Opened<Model>> {
        let path = cx.data().join(&config.path);
        let holder = std::process::id();
        let mut options = fs::OpenOptions::new();
        let made = options.write(true).create_new(true).open(&path);
        made.and_then(|file| std::io::Write::write_fmt(&mut &file, format_args!("{holder}")))
            .map_err(|error| {
                let detail = format!("{}: {error}.", path.display());
                Diagnostic::error("Lock cannot be taken", detail).at("path")
            })?;
        cx.set_private("path", path.to_string_lossy().as_bytes());
        let holder = holder.into();
        Ok(Model { holder, ..config }.into())
    }

    async fn close(&self, cx: &Context<Root>) -> Result {
        let path = cx.private("path").unwrap_or_default();
        let path = PathBuf::from(String::from_utf8_lossy(&path).into_owned());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let detail = format!("{}: {error}.", path.display());
                Err(Diagnostic::error("Lock cannot be given back", detail).into())
            }
            _ => Ok(()),
        }
    }
}
