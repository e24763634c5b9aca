//! A panic in a provider's code ends the operation, not the process.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::{Diagnostic, Result};

/// Runs an operation; if it panics, that becomes an error that names what was running.
pub(crate) async fn guard<T>(
    name: &str,
    operation: &str,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut future = Box::pin(future);
    let caught = poll_fn(|cx| {
        // What the operation leaves half-changed is dropped with it; what is shared (private data, warnings, kept
        // state) is only touched in single steps.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    });
    caught
        .await
        .unwrap_or_else(|payload| Err(panicked(name, operation, payload.as_ref()).into()))
}

fn panicked(name: &str, operation: &str, payload: &(dyn Any + Send)) -> Diagnostic {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Diagnostic::error(
        format!("{name} failed to {operation}: bug in the provider"),
        format!(
            "The provider panicked: {text}. Please report this to its authors. TF_LOG=error shows where it happened."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_diagnostic_that_names_resource_and_operation() {
        let result: Result<()> = guard("fs_file", "create", async {
            tokio::task::yield_now().await;
            panic!("index out of {}", "bounds")
        })
        .await;
        let diagnostics = result.unwrap_err();
        let diagnostic = diagnostics.iter().next().unwrap();
        assert_eq!(
            diagnostic.summary,
            "fs_file failed to create: bug in the provider"
        );
        assert!(
            diagnostic
                .detail
                .starts_with("The provider panicked: index out of bounds.")
        );
    }
}
