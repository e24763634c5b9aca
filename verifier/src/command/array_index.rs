//! The number that an engine gives each task of an array.

use super::usage::Usage;

/// The variables in which engines tell a task its number: Kubernetes Indexed Jobs, AWS Batch, Slurm.
pub(crate) const VARIABLES: [&str; 3] = [
    "JOB_COMPLETION_INDEX",
    "AWS_BATCH_JOB_ARRAY_INDEX",
    "SLURM_ARRAY_TASK_ID",
];

/// The first of the variables that is set, with its value.
pub(crate) struct ArrayIndex(pub(crate) Option<(&'static str, String)>);

impl ArrayIndex {
    pub(super) fn number(&self) -> Result<u64, Usage> {
        let Some((name, value)) = &self.0 else {
            let message = format!(
                "no range was given, and none of {} is set",
                VARIABLES.join(", ")
            );
            return Err(Usage::new(message, "give --range NUMBER"));
        };
        value.parse().map_err(|_| {
            let message = format!("{name} is not a number: {value}");
            Usage::new(message, "give --range NUMBER")
        })
    }
}
