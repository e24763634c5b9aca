//! The data source `fs_tree`.

use std::fs;

use tf_provider::{
    Attribute, Context, DataSource, Diagnostic, Field, Fields, Nested, Result, Schema, Type, model,
};

use crate::root::Root;

pub(crate) struct Tree;

model! {
    pub(crate) struct Model {
        path: String,
        files: Field<Vec<Entry>>,
    }

    pub(crate) struct Entry {
        name: String,
        size: u64,
    }
}

impl DataSource for Tree {
    const NAME: &'static str = "fs_tree";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        let entry = Fields::new()
            .attribute("name", Attribute::computed(Type::String))
            .attribute(
                "size",
                Attribute::computed(Type::Number).description("Length in bytes."),
            );
        Schema::new()
            .description("The files of a folder, by name.")
            .attribute("path", Attribute::required(Type::String))
            .attribute("files", Attribute::computed(Nested::list(entry)))
    }

    async fn read(&self, cx: &Context<Root>, config: Model) -> Result<Model> {
        let folder = cx.data().join(&config.path);
        let failed = |error: std::io::Error| {
            Diagnostic::error(
                "Folder cannot be read",
                format!("{}: {error}.", folder.display()),
            )
            .at("path")
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let size = entry.metadata().map_err(failed)?.len();
            files.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                size,
            });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Model {
            files: files.into(),
            ..config
        })
    }
}
