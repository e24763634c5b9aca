//! Looking for resources that exist, managed or not.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::proto::tfplugin6 as pb;
use crate::returned::identity::whole_identity;
use crate::returned::state::finish;
use crate::{Context, FromValue, IdentitySchema, Object, Result, Schema, ToValue, Value, wire};

/// Finds what exists of one resource type, for `terraform query`. It needs Terraform 1.14 or later, and a
/// [`Resource`](crate::Resource) of the same name that has an [identity](crate::Resource::identity_schema).
pub trait ListResource: Send + Sync + 'static {
    /// The name of the resource type that it finds.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`](crate::Provider::Data).
    type Data: Send + Sync + 'static;

    /// What to look for, as the schema has it: see [`model!`](crate::model), or `()` for all there is.
    type Config: FromValue + Send + 'static;

    /// What a query may say.
    fn schema(&self) -> Schema {
        Schema::new()
    }

    /// Checks a query beyond what the schema does. Anything in it may be unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate(&self, config: &Object) -> Result {
        let _ = config;
        Ok(())
    }

    /// Searches, and gives each one to `listing` as soon as it is found, until there are no more or no more are wanted:
    ///
    /// ```
    /// # use tf_provider::{Listed, Listing, Object, Result};
    /// # async fn list(names: Vec<String>, listing: &Listing) -> Result {
    /// for name in names {
    ///     let found = Listed::new(&name, Object::new().with("name", &name));
    ///     if !listing.found(found).await {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn list(
        &self,
        cx: &Context<Self::Data>,
        config: Self::Config,
        listing: &Listing,
    ) -> impl Future<Output = Result> + Send;
}

/// One resource that was found.
#[derive(Clone, Debug)]
pub struct Listed {
    pub(crate) display_name: String,
    pub(crate) identity: Object,
    pub(crate) state: Option<Value>,
}

impl Listed {
    /// By what a person calls it, and its whole identity.
    pub fn new(display_name: impl Into<String>, identity: Object) -> Self {
        Self {
            display_name: display_name.into(),
            identity,
            state: None,
        }
    }

    /// With its state, a model of the resource: wanted where [`Listing::wants_state`].
    #[must_use]
    pub fn state(self, state: &impl ToValue) -> Self {
        Self {
            state: Some(state.to_value()),
            ..self
        }
    }
}

/// Takes what a [`ListResource`] finds.
#[derive(Debug)]
pub struct Listing {
    target: Target,
    sender: mpsc::Sender<pb::list_resource::Event>,
    wants_state: bool,
    limit: Option<u64>,
    told: AtomicU64,
}

/// The resource type that is looked for.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    pub(crate) identity: IdentitySchema,
}

impl Listing {
    pub(crate) fn new(
        target: Target,
        sender: mpsc::Sender<pb::list_resource::Event>,
        wants_state: bool,
        limit: Option<u64>,
    ) -> Self {
        Self {
            target,
            sender,
            wants_state,
            limit,
            told: AtomicU64::new(0),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.target.name
    }

    /// Whether the whole state of each is wanted besides its identity.
    pub fn wants_state(&self) -> bool {
        self.wants_state
    }

    /// How many are wanted at most.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Adds one, and returns whether more are wanted. If not, adding more has no effect.
    #[must_use = "a search has no effect once no more are wanted"]
    pub async fn found(&self, listed: Listed) -> bool {
        let told = self.told.fetch_add(1, Ordering::Relaxed);
        let wanted = |told: u64| self.limit.is_none_or(|limit| told < limit);
        if !wanted(told) {
            return false;
        }
        let event = self
            .event(listed)
            .unwrap_or_else(|error| pb::list_resource::Event {
                diagnostic: wire::diagnostics(error),
                ..Default::default()
            });
        self.sender.send(event).await.is_ok() && wanted(told.saturating_add(1))
    }

    fn event(&self, listed: Listed) -> Result<pb::list_resource::Event> {
        let Target {
            name,
            schema,
            identity,
        } = &self.target;
        let state = listed.state.filter(|_| self.wants_state);
        let state = state.map(|state| {
            let state = finish(name, schema, state)?;
            wire::encode(&state, &schema.object_type())
        });
        Ok(pb::list_resource::Event {
            identity: Some(whole_identity(name, identity, listed.identity)?),
            display_name: listed.display_name,
            resource_object: state.transpose()?,
            diagnostic: Vec::new(),
        })
    }
}
