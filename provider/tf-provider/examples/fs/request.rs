//! The resource `fs_request`: one that takes as long as somebody else takes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tf_provider::{Attribute, Context, Diagnostic, Field, Resource, Result, Schema, Type, model};

use crate::root::Root;

pub(crate) struct Request;

model! {
    #[derive(Clone)]
    pub(crate) struct Model {
        path: String,
        question: String,
        linger_ms: Option<u64>,
        answer: Field<String>,
    }
}

/// How often to look for the answer.
const POLL: Duration = Duration::from_millis(20);

impl Resource for Request {
    const NAME: &'static str = "fs_request";
    type Data = Root;
    type Model = Model;

    fn schema(&self) -> Schema {
        Schema::new()
            .description(
                "A question in a file, to which another process puts the answer beside it: \
                 `<path>.request` and `<path>.answer`.",
            )
            .attribute("path", Attribute::required(Type::String).requires_replace())
            .attribute(
                "question",
                Attribute::required(Type::String).requires_replace(),
            )
            .attribute(
                "linger_ms",
                Attribute::optional(Type::Number)
                    .description("How long to go on waiting after an interrupt."),
            )
            .attribute(
                "answer",
                Attribute::computed(Type::String).use_state_for_unknown(),
            )
    }

    /// Asks, and waits for the answer. Once asked, the question exists whatever happens, so the state has it.
    async fn create(&self, cx: &Context<Root>, planned: Model) -> Result<Model> {
        let (question, answer) = files(cx, &planned);
        fs::write(&question, &planned.question).map_err(|error| failed(&question, &error))?;
        cx.keep(&planned);
        tracing::info!(question = planned.question, "asked");
        let given_up = async {
            cx.cancellation().cancelled().await;
            tokio::time::sleep(Duration::from_millis(planned.linger_ms.unwrap_or(0))).await;
        };
        tokio::select! {
            answer = answered(&answer) => Ok(Model { answer: answer?.into(), ..planned }),
            () = given_up => {
                let detail = format!("{} has no answer yet.", question.display());
                Err(Diagnostic::error("Interrupted", detail).into())
            }
        }
    }

    async fn read(&self, cx: &Context<Root>, state: Model) -> Result<Option<Model>> {
        let (question, answer) = files(cx, &state);
        let Some(question) = content(&question)? else {
            return Ok(None);
        };
        Ok(Some(Model {
            question,
            answer: content(&answer)?.into(),
            ..state
        }))
    }

    /// Nothing but the patience changes in place.
    async fn update(&self, _: &Context<Root>, _: Model, planned: Model) -> Result<Model> {
        Ok(planned)
    }

    async fn delete(&self, cx: &Context<Root>, state: Model) -> Result {
        let (question, answer) = files(cx, &state);
        for path in [answer, question] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(failed(&path, &error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

async fn answered(path: &Path) -> Result<String> {
    let mut poll = tokio::time::interval(POLL);
    loop {
        poll.tick().await;
        if let Some(answer) = content(path)? {
            return Ok(answer);
        }
    }
}

fn files(cx: &Context<Root>, model: &Model) -> (PathBuf, PathBuf) {
    let beside = |kind: &str| cx.data().join(&format!("{}.{kind}", model.path));
    (beside("request"), beside("answer"))
}

fn content(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error).into()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Diagnostic {
    let detail = format!("{}: {error}.", path.display());
    Diagnostic::error("File cannot be used", detail).at("path")
}
