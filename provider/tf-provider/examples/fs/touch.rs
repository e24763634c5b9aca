//! The action `fs_touch`.

use std::fs::OpenOptions;
use std::time::SystemTime;

use tf_provider::{Action, Attribute, Context, Diagnostic, Progress, Result, Schema, Type, model};

use crate::root::Root;

pub(crate) struct Touch;

model! {
    pub(crate) struct Config {
        paths: Vec<String>,
    }
}

impl Action for Touch {
    const NAME: &'static str = "fs_touch";
    type Data = Root;
    type Config = Config;

    fn schema(&self) -> Schema {
        let paths = Attribute::required(Type::list(Type::String));
        Schema::new()
            .description("Marks files as changed just now.")
            .attribute("paths", paths)
    }

    async fn invoke(&self, cx: &Context<Root>, config: Config, progress: &Progress) -> Result {
        for path in &config.paths {
            let path = cx.data().join(path);
            let file = OpenOptions::new().append(true).open(&path);
            file.and_then(|file| file.set_modified(SystemTime::now()))
                .map_err(|error| {
                    let detail = format!("{}: {error}.", path.display());
                    Diagnostic::error("File cannot be touched", detail).at("paths")
                })?;
            progress.say(format!("{} touched", path.display())).await;
        }
        Ok(())
    }
}
