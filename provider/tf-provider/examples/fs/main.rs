//! A provider over the file system: what a provider on tf-provider looks like, and the fixture of its tests.
//!
//! `fs_file`, `fs_folder`, `fs_directory`, `fs_request` and `fs_fault` are resources, `fs_tree` is a data source, `relative`
//! a function, `fs_lock` an ephemeral resource, `fs_touch` an action; each is one file here.

mod directory;
mod fault;
mod file;
mod folder;
mod lock;
mod relative;
mod request;
mod root;
mod touch;
mod tree;

use std::process::ExitCode;

use tf_provider::{Attribute, ConfigureContext, Provider, Registry, Result, Schema, Type, model};

use root::Root;

fn main() -> ExitCode {
    tf_provider::serve(Fs)
}

struct Fs;

model! {
    /// The `provider "fs"` block.
    struct Config {
        root: Option<String>,
    }
}

impl Provider for Fs {
    type Config = Config;
    type Data = Root;

    fn schema(&self) -> Schema {
        Schema::new().description("Files and folders.").attribute(
            "root",
            Attribute::optional(Type::String).description(
                "The folder below which all paths are; the working directory if left out.",
            ),
        )
    }

    fn register(&self, registry: &mut Registry<Root>) {
        registry.resource(fault::Fault);
        registry.resource(file::File);
        registry.resource(folder::Folder);
        registry.resource(request::Request);
        registry.resource(directory::Directory);
        registry.list(directory::Directory);
        registry.data_source(tree::Tree);
        registry.function(relative::Relative);
        registry.ephemeral(lock::Lock);
        registry.action(touch::Touch);
    }

    async fn configure(&self, _: &ConfigureContext, config: Config) -> Result<Root> {
        Ok(Root(config.root.unwrap_or_else(|| ".".to_owned()).into()))
    }
}
