//! What a resource is written against.

use crate::{
    AttributePath, Context, Diagnostic, FromValue, IdentitySchema, MoveSource, Moved, Object,
    Plannable, Result, Schema, ToValue, Value, ValueError,
};

/// A kind of thing that Terraform creates, reads, updates and deletes.
///
/// Schema, model and operations of one resource belong in one file. Operations are `async fn`s.
pub trait Resource: Send + Sync + 'static {
    /// The name in configurations, with the provider's prefix: `fs_file`.
    const NAME: &'static str;

    /// The provider's data: [`Provider::Data`](crate::provider::Provider::Data).
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
    /// not asked where a user replaces what is tainted, or by `-replace`, since Terraform does not say so.
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

    /// Removes it. If it is gone already, this is not an error.
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
            let detail = format!("{} cannot be imported by its id.", Self::NAME);
            Err(Diagnostic::error("Import is not supported", detail).into())
        }
    }

    /// The attributes that distinguish one from all others, if they are few and never change while it exists.
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
            let detail = format!("{} cannot be imported by its identity.", Self::NAME);
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
    pub(crate) replace: Vec<AttributePath>,
}

impl Plan {
    /// Whether a new resource is planned (also in place of one that is replaced).
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// The change of this attribute makes a new resource.
    pub fn require_replace(&mut self, path: impl Into<AttributePath>) {
        self.replace.push(path.into());
    }

    /// Configuration, state before and state after as structs, in which anything may be unknown.
    ///
    /// A model has such a form under a name after an arrow. It has the fields of the model, each as a [`Field`](crate::Field); so it
    /// agrees with the schema where the model does, which is checked when the provider starts. [`set_planned`](Self::set_planned) puts
    /// back what was changed.
    ///
    /// ```
    /// use tf_provider::{Context, Field, Plan, Result, model};
    ///
    /// model! {
    ///     struct File => FilePlan { path: String, content: Option<String>, size: Field<u64> }
    /// }
    ///
    /// async fn plan(_: &Context<()>, plan: &mut Plan) -> Result {
    ///     let mut sides = plan.typed::<File>()?;
    ///     sides.planned.size = match &sides.planned.content {
    ///         Field::Known(content) => Field::Known(content.len() as u64),
    ///         Field::Null => Field::Known(0),
    ///         Field::Unknown => Field::Unknown,
    ///     };
    ///     if sides.prior.as_ref().is_some_and(|prior| prior.size != sides.planned.size) {
    ///         plan.require_replace("size");
    ///     }
    ///     plan.set_planned(&sides.planned);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// A value is not what its field asks for, such as a number beyond the type of the field.
    pub fn typed<M: Plannable>(&self) -> Result<TypedPlan<M::Planned>, ValueError> {
        let prior = self.prior.as_ref().map(Object::decode).transpose()?;
        Ok(TypedPlan {
            config: self.config.decode()?,
            prior,
            planned: self.planned.decode()?,
        })
    }

    /// Sets the whole state after, as [`typed`](Self::typed) gave it and the resource changed it.
    pub fn set_planned(&mut self, planned: &impl ToValue) {
        if let Value::Object(planned) = planned.to_value() {
            self.planned = planned;
        }
    }
}

/// What [`Plan`] has, as structs: see [`Plan::typed`].
#[derive(Clone, Debug, PartialEq)]
pub struct TypedPlan<P> {
    /// What the configuration says.
    pub config: P,
    /// The state before; `None` for a create.
    pub prior: Option<P>,
    /// The state after.
    pub planned: P,
}
