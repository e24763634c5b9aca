//! The traits that a provider is written against.

use crate::registry::Registry;
use crate::{
    Cancellation, Context, Deferral, Diagnostic, Diagnostics, FromValue, IdentitySchema,
    MoveSource, Moved, Object, Result, Schema, ToValue, Value,
};

/// A provider: its own configuration, and what it offers.
pub trait Provider: Send + Sync + 'static {
    /// What the `provider` block says. A field that may depend on a resource is a [`Field`](crate::Field), since it is
    /// not known at plan time.
    type Config: FromValue + Send + 'static;

    /// What resources and data sources work with, such as a client: [`Context::data`].
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

    /// Fires when the practitioner interrupts Terraform.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Tells the practitioner something that does not stop the run.
    pub fn warn(&self, warning: Diagnostic) {
        self.notes().warnings.push(warning);
    }

    /// Puts off everything that the provider would be asked for in this run, where the caller takes that, and fails with
    /// `otherwise` where not. What comes back is the error to return: see [`Context::defer`].
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

/// A kind of thing that Terraform creates, reads, updates and deletes.
///
/// Schema, model and operations of one resource belong in one file. Operations are `async fn`s.
pub trait Resource: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_file`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`].
    type Data: Send + Sync + 'static;

    /// The plain struct that has a field for each attribute and block of the schema: see [`model!`](crate::model).
    type Model: FromValue + ToValue + Send + 'static;

    /// What a configuration may say, and what becomes of it at plan time.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Changes the plan of a create or an update after the schema's own rules: defaults, what is unknown, replacement.
    /// It may look things up, and changes nothing.
    fn plan(
        &self,
        cx: &Context<Self::Data>,
        plan: &mut Plan,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, plan);
        async { Ok(()) }
    }

    /// Has its say when a destroy is planned: warns, refuses by an error, or leaves private data for
    /// [`delete`](Self::delete). It changes nothing.
    ///
    /// It is asked, too, when a change makes a replacement necessary; private data does not reach the delete then. It is
    /// not asked where a practitioner replaces what is tainted, or by `-replace`, since Terraform does not say so.
    fn plan_destroy(
        &self,
        cx: &Context<Self::Data>,
        state: Self::Model,
    ) -> impl Future<Output = Result> + Send {
        let _ = (cx, state);
        async { Ok(()) }
    }

    /// Makes it, and returns its state, in which nothing is unknown any more.
    ///
    /// What the plan had known must come back as it was. If more than one thing is made, see [`Context::keep`].
    fn create(
        &self,
        cx: &Context<Self::Data>,
        planned: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;

    /// Looks at what is there; `None` if it is gone.
    fn read(
        &self,
        cx: &Context<Self::Data>,
        state: Self::Model,
    ) -> impl Future<Output = Result<Option<Self::Model>>> + Send;

    /// Changes it in place, as in [`create`](Self::create). A resource all of whose attributes require replacement is never updated.
    fn update(
        &self,
        cx: &Context<Self::Data>,
        prior: Self::Model,
        planned: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;

    /// Removes it. That it is gone already is no error.
    fn delete(
        &self,
        cx: &Context<Self::Data>,
        state: Self::Model,
    ) -> impl Future<Output = Result> + Send;

    /// Takes over what exists, by the id of `terraform import`. Terraform reads it once more afterwards.
    fn import(
        &self,
        cx: &Context<Self::Data>,
        id: String,
    ) -> impl Future<Output = Result<Self::Model>> + Send {
        let _ = (cx, id);
        async {
            let detail = format!("{} cannot be taken over from its id.", Self::NAME);
            Err(Diagnostic::error("Import is not supported", detail).into())
        }
    }

    /// The attributes that tell one from all others, if they are few and never change while it exists.
    fn identity_schema(&self) -> Option<IdentitySchema> {
        None
    }

    /// The identity of what has this state. By default, the state's attributes of the same names.
    ///
    /// # Errors
    /// It cannot be told.
    fn identity(&self, data: &Self::Data, state: &Object) -> Result<Object> {
        let _ = data;
        let names = self.identity_schema().unwrap_or_default().attributes;
        let names = names.into_keys();
        Ok(names
            .map(|name| {
                let value = state.value(&name).clone();
                (name, value)
            })
            .collect())
    }

    /// Takes over what exists, by its identity. What the identity schema has as optional may be null.
    fn import_by_identity(
        &self,
        cx: &Context<Self::Data>,
        identity: Object,
    ) -> impl Future<Output = Result<Self::Model>> + Send {
        let _ = (cx, identity);
        async {
            let detail = format!("{} cannot be taken over by its identity.", Self::NAME);
            Err(Diagnostic::error("Import by identity is not supported", detail).into())
        }
    }

    /// Brings an identity of an earlier version to the current shape, as [`upgrade`](Self::upgrade) does with state.
    ///
    /// # Errors
    /// The identity cannot be upgraded.
    fn upgrade_identity(&self, version: i64, identity: Object) -> Result<Object> {
        let _ = identity;
        let detail = format!(
            "{} has no upgrade from identity version {version}.",
            Self::NAME
        );
        Err(Diagnostic::error("Identity of an unsupported version", detail).into())
    }

    /// Makes state of a resource of another type or provider, for a `moved` block; `None` if it is of no known kind.
    ///
    /// The state may be of any version that the other provider ever had. Terraform reads the resource afterwards.
    ///
    /// # Errors
    /// It is of a known kind, and cannot be moved all the same.
    fn move_from(&self, source: &MoveSource) -> Result<Option<Moved>> {
        let _ = source;
        Ok(None)
    }

    /// Brings state of an earlier schema version to the current shape, attribute by attribute. What the current
    /// schema does not have is dropped afterwards. Lists come as tuples, maps as objects; both will do in the answer.
    ///
    /// # Errors
    /// The state cannot be upgraded.
    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        let _ = state;
        let detail = format!(
            "{} has no upgrade from schema version {version}.",
            Self::NAME
        );
        Err(Diagnostic::error("State of an unsupported version", detail).into())
    }
}

/// What Terraform is about to do to one resource, while it can still be changed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the configuration says. Anything in it may be unknown.
    pub config: Object,
    /// The state before; `None` for a create.
    pub prior: Option<Object>,
    /// The state after. What the configuration says must stay; what is computed may be set, or left unknown. Where
    /// nothing else changes, what is computed has its value of the state: a plan that changes something itself
    /// sets to [`Value::Unknown`](crate::Value::Unknown) whatever may change with it.
    pub planned: Object,
    pub(crate) replace: Vec<crate::AttributePath>,
}

impl Plan {
    /// Whether a new resource is planned (also in place of one that is replaced).
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// The change of this attribute makes a new resource.
    pub fn require_replace(&mut self, path: impl Into<crate::AttributePath>) {
        self.replace.push(path.into());
    }
}

/// What is planned for one attribute of a create or an update, at any depth: see
/// [`Attribute::plan_with`](crate::Attribute::plan_with).
#[derive(Debug)]
pub struct AttributePlan<'a> {
    pub(crate) path: &'a crate::AttributePath,
    pub(crate) config: &'a Value,
    pub(crate) prior: &'a Value,
    pub(crate) is_create: bool,
    pub(crate) replace: bool,
    /// What it will be. Where nothing else of the resource changes, what is computed has its value of the state here.
    pub planned: Value,
}

impl AttributePlan<'_> {
    /// Where it is. The elements of a set have the path of the set.
    pub fn path(&self) -> &crate::AttributePath {
        self.path
    }

    /// What the configuration says.
    pub fn config(&self) -> &Value {
        self.config
    }

    /// What the state has; null for a create, and in an element that is new.
    pub fn prior(&self) -> &Value {
        self.prior
    }

    /// Whether a new resource is planned (also in place of one that is replaced).
    pub fn is_create(&self) -> bool {
        self.is_create
    }

    /// The change of this attribute makes a new resource.
    pub fn require_replace(&mut self) {
        self.replace = true;
    }
}

/// Something that configurations only look at.
pub trait DataSource: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_tree`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`].
    type Data: Send + Sync + 'static;

    /// The plain struct that has a field for each attribute and block of the schema: see [`model!`](crate::model).
    type Model: FromValue + ToValue + Send + 'static;

    /// What a configuration may say, and what comes back.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Looks it up. In `config`, which is wholly known, what is computed is null; in the result it is set.
    fn read(
        &self,
        cx: &Context<Self::Data>,
        config: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;
}
