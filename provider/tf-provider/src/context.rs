//! What an operation is given besides values.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::watch;

use crate::{Deferral, Diagnostic, Diagnostics, Object, ToValue, Value};

/// What an operation is given besides values: the provider's data, the cancellation, private data, and a place for
/// warnings and for state that must survive a failure.
#[derive(Debug)]
pub struct Context<D> {
    data: Arc<D>,
    config: Object,
    cancellation: Cancellation,
    deferral_allowed: bool,
    planned: PlannedPrivate,
    notes: Mutex<Notes>,
}

/// What an earlier plan of the same change left, and whether the caller gives it back.
#[derive(Debug, Default)]
pub(crate) struct PlannedPrivate {
    pub(crate) kept: bool,
    pub(crate) private: Private,
}

/// What an operation leaves behind besides its result, whether it succeeds, fails or panics.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) private: Private,
    pub(crate) warnings: Diagnostics,
    pub(crate) kept: Option<Value>,
    pub(crate) deferral: Option<Deferral>,
}

impl Notes {
    /// Whether an operation that ended in this error is put off rather than failed.
    pub(crate) fn deferred(&self, error: &Diagnostics) -> Option<Deferral> {
        self.deferral.filter(|_| !error.has_errors())
    }
}

impl<D> Context<D> {
    pub(crate) fn new(
        data: Arc<D>,
        config: Object,
        private: Private,
        cancellation: Cancellation,
        deferral_allowed: bool,
    ) -> Self {
        let notes = Notes {
            private,
            ..Notes::default()
        };
        Self {
            data,
            config,
            cancellation,
            deferral_allowed,
            planned: PlannedPrivate::default(),
            notes: Mutex::new(notes),
        }
    }

    /// The same for a plan, with what an earlier plan left.
    pub(crate) fn planned(self, planned: PlannedPrivate) -> Self {
        Self { planned, ..self }
    }

    /// What [`Provider::configure`](crate::Provider::configure) returned.
    pub fn data(&self) -> &D {
        &self.data
    }

    /// What the configuration says, write-only attributes included. Empty where Terraform gives none: read, delete, import.
    pub fn config(&self) -> &Object {
        &self.config
    }

    /// Fires when the user interrupts Terraform.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// What an earlier operation on this resource left under `key`.
    ///
    /// Terraform (1.11) plans the successor of a tainted resource as if nothing were there, and hands that plan's private
    /// data to the delete that makes room: such a delete finds nothing here.
    pub fn private(&self, key: &str) -> Option<Vec<u8>> {
        self.notes().private.0.get(key).cloned()
    }

    /// Stores `bytes` for later operations on this resource. Terraform does not show them, but they are in the state.
    pub fn set_private(&self, key: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.notes().private.put(key.into(), bytes.into());
    }

    /// What an earlier plan of the same change left under `key`, in a plan that is made again before it is applied.
    ///
    /// Terraform plans a change twice, and both plans must agree. So a plan can hold a value that was made up (a random name,
    /// say) only if the second plan gets it from the first one: where [`keeps_planned_private`](Self::keeps_planned_private) says
    /// so (Terraform 1.16 and later), the first plan leaves it by [`set_private`](Self::set_private).
    pub fn planned_private(&self, key: &str) -> Option<Vec<u8>> {
        self.planned.private.0.get(key).cloned()
    }

    /// Whether the private data of this plan comes back when the same change is planned again.
    pub fn keeps_planned_private(&self) -> bool {
        self.planned.kept
    }

    /// Shows the user a warning, which does not stop the operation.
    pub fn warn(&self, warning: Diagnostic) {
        self.notes().warnings.push(warning);
    }

    /// From here on, if this create or update fails in whatever way, panic included, `state` is what Terraform keeps.
    ///
    /// A create that makes several things calls this after the first: a half-made resource whose state is kept is
    /// tainted, and destroyed by the next apply. Without it, a failed create leaves nothing in the state, and a
    /// failed update leaves the prior state. What is not known in `state` becomes null.
    pub fn keep(&self, state: &impl ToValue) {
        self.notes().kept = Some(state.to_value());
    }

    /// Puts the operation off to a later run, where the caller takes that, and fails with `otherwise` where not.
    ///
    /// Plans, reads, imports, and the opening of ephemeral resources can be put off. What comes back is the operation's
    /// error:
    ///
    /// ```
    /// # use tf_provider::{Context, Deferral, Diagnostic, Field, Plan, Result};
    /// async fn plan(cx: &Context<()>, plan: &mut Plan) -> Result {
    ///     if plan.config.get::<Field<String>>("cluster")?.is_unknown() {
    ///         let otherwise = Diagnostic::error("Cluster is not known yet", "Apply the cluster first.");
    ///         return Err(cx.defer(Deferral::ResourceConfigUnknown, otherwise.at("cluster")));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn defer(&self, why: Deferral, otherwise: Diagnostic) -> Diagnostics {
        if !self.deferral_allowed {
            return otherwise.into();
        }
        self.notes().deferral = Some(why);
        Diagnostics::new()
    }

    /// Whether the caller takes it that an operation is put off.
    pub fn deferral_allowed(&self) -> bool {
        self.deferral_allowed
    }

    pub(crate) fn into_notes(self) -> Notes {
        self.notes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing panics while it holds the lock; if something did, the notes are still whole.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says when the user has interrupted Terraform. Long waits race it:
///
/// ```
/// # async fn wait(cx: &tf_provider::Context<()>, done: impl Future<Output = ()>) -> tf_provider::Result {
/// tokio::select! {
///     () = done => Ok(()),
///     () = cx.cancellation().cancelled() => {
///         Err(tf_provider::Diagnostic::error("Interrupted", "The wait was given up.").into())
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<bool>);

impl Cancellation {
    /// A switch and what it fires.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (switch, receiver) = watch::channel(false);
        (switch, Self(receiver))
    }

    /// Whether it has fired.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it fires.
    pub async fn cancelled(&self) {
        if self
            .0
            .clone()
            .wait_for(|cancelled| *cancelled)
            .await
            .is_err()
        {
            // The switch is gone without having been used, so it never will be.
            std::future::pending::<()>().await;
        }
    }
}

/// Private data by key. On the wire it is one JSON object of base64 texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Private(BTreeMap<String, Vec<u8>>);

impl Private {
    /// Bytes that are not ours (a resource moved from another provider has foreign ones) count as none.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let texts: BTreeMap<String, String> = serde_json::from_slice(bytes).unwrap_or_default();
        let decoded = texts
            .into_iter()
            .map(|(key, text)| Some((key, STANDARD.decode(text).ok()?)));
        Self(decoded.collect::<Option<_>>().unwrap_or_default())
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Vec<u8>> {
        self.0.remove(key)
    }

    pub(crate) fn put(&mut self, key: String, bytes: Vec<u8>) {
        self.0.insert(key, bytes);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let texts: serde_json::Map<_, _> = self
            .0
            .iter()
            .map(|(key, bytes)| (key.clone(), STANDARD.encode(bytes).into()))
            .collect();
        serde_json::Value::Object(texts).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_data_survives_the_wire() {
        let private = Private([("etag".to_owned(), vec![0, 255])].into());
        assert_eq!(Private::decode(&private.encode()), private);
        assert_eq!(Private::default().encode(), b"");
    }

    #[test]
    fn foreign_private_data_counts_as_none() {
        for foreign in [
            &b"\xff\x00"[..],
            b"{\"schema_version\":\"1\"}",
            b"[]",
            b"{\"a\":{}}",
        ] {
            assert_eq!(Private::decode(foreign), Private::default());
        }
    }

    #[tokio::test]
    async fn a_cancellation_fires_once_and_stays() {
        let (switch, cancellation) = Cancellation::new();
        assert!(!cancellation.is_cancelled());
        switch.send(true).unwrap();
        cancellation.cancelled().await;
        assert!(cancellation.is_cancelled());
    }
}
