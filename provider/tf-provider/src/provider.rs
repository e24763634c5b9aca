//! What a provider is written against.

use crate::registry::Registry;
use crate::{
    AttributePath, Cancellation, Deferral, Diagnostic, Diagnostics, FromValue, Object, Result,
    Schema,
};

/// A provider: its own configuration, and what it offers.
pub trait Provider: Send + Sync + 'static {
    /// What the `provider` block says. A field that may depend on a resource is a [`Field`](crate::Field), since it is
    /// not known at plan time.
    type Config: FromValue + Send + 'static;

    /// What resources and data sources work with, such as a client: [`Context::data`](crate::context::Context::data).
    type Data: Send + Sync + 'static;

    /// What the `provider` block may say.
    fn schema(&self) -> Schema {
        Schema::new()
    }

    /// Adds everything that the provider offers.
    fn register(&self, registry: &mut Registry<Self::Data>);

    /// Checks the configuration beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Makes of the configuration what the operations need.
    fn configure(
        &self,
        cx: &ConfigureContext,
        config: Self::Config,
    ) -> impl Future<Output = Result<Self::Data>> + Send;
}

/// What [`Provider::configure`] is given besides the configuration.
#[derive(Debug)]
pub struct ConfigureContext {
    pub(crate) terraform_version: String,
    pub(crate) cancellation: Cancellation,
    pub(crate) deferral_allowed: bool,
    pub(crate) unknown: Vec<AttributePath>,
    pub(crate) notes: std::sync::Mutex<ConfigureNotes>,
}

/// What configuring leaves behind besides its result.
#[derive(Debug, Default)]
pub(crate) struct ConfigureNotes {
    pub(crate) warnings: Diagnostics,
    pub(crate) deferral: Option<Deferral>,
}

impl ConfigureContext {
    /// The version of the calling Terraform, such as `1.11.4`.
    pub fn terraform_version(&self) -> &str {
        &self.terraform_version
    }

    /// Fires when the user interrupts Terraform.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Where the configuration is not known yet, in order: what a field of the configuration takes from a resource that
    /// does not exist yet. Empty when everything is known.
    ///
    /// ```
    /// # use tf_provider::{ConfigureContext, Diagnostic, Result};
    /// fn check(cx: &ConfigureContext) -> Result {
    ///     match cx.unknown().first() {
    ///         None => Ok(()),
    ///         Some(path) => {
    ///             let detail = format!("The provider needs {path}. Apply what it depends on first, with -target.");
    ///             let error = Diagnostic::error("Configuration is not known yet", detail);
    ///             Err(cx.defer(error.at(path.clone())))
    ///         }
    ///     }
    /// }
    /// ```
    pub fn unknown(&self) -> &[AttributePath] {
        &self.unknown
    }

    /// Shows the user a warning, which does not stop the run.
    pub fn warn(&self, warning: Diagnostic) {
        self.notes().warnings.push(warning);
    }

    /// Puts off everything that the provider would be asked for in this run, where the caller takes that, and fails with
    /// `otherwise` where not. What comes back is the error to return: see [`Context::defer`](crate::context::Context::defer).
    ///
    /// Where a field of the configuration that is neither a [`Field`](crate::Field) nor a [`Value`](crate::Value) is
    /// unknown, the framework does this by itself.
    pub fn defer(&self, otherwise: Diagnostic) -> Diagnostics {
        if !self.deferral_allowed {
            return otherwise.into();
        }
        self.notes().deferral = Some(Deferral::ProviderConfigUnknown);
        Diagnostics::new()
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, ConfigureNotes> {
        self.notes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
