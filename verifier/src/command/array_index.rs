//! The number that an engine gives each task of an array.

use super::usage::Usage;

/// The variables in which engines tell a task its number: Kubernetes Indexed Jobs, AWS Batch, Slurm.
pub(crate) const VARIABLES: [&str; 3] = [
    "JOB_COMPLETION_INDEX",
    "AWS_BATCH_JOB_ARRAY_INDEX",
    "SLURM_ARRAY_TASK_ID",
];

/// The variables that are set, with their values.
pub(crate) struct ArrayIndex(pub(crate) Vec<(&'static str, String)>);

impl ArrayIndex {
    pub(super) fn number(&self) -> Result<u64, Usage> {
        let wrong = |message: String| Usage::new(message, "give --range NUMBER");
        let Some(((name, value), others)) = self.0.split_first() else {
            let names = VARIABLES.join(", ");
            return Err(wrong(format!(
                "no range was given, and none of {names} is set"
            )));
        };
        if let Some((other, second)) = others.iter().find(|(_, second)| second != value) {
            return Err(wrong(format!("{name} is {value}, and {other} is {second}")));
        }
        let number = value.parse();
        number.map_err(|_| wrong(format!("{name} is not a number: {value}")))
    }
}
