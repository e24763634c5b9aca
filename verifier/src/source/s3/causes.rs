//! The chain of causes of an error.

use std::error::Error;
use std::iter;

/// The first error of this type among the causes of another one.
pub(super) fn cause_of<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| cause.downcast_ref())
}

/// What an error says, and what each error under it adds.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut all: Vec<String> = Vec::new();
    for cause in iter::successors(Some(error), |&error| error.source()) {
        let text = cause.to_string();
        if !all.iter().any(|said| said.contains(&text)) {
            all.push(text);
        }
    }
    all.join(": ")
}
