//! What a provider offers, by name, with the types of its models erased.

mod action;
mod agree;
mod check;
mod ephemeral;
mod erased;
mod function;
mod list;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use action::AnyAction;
pub(crate) use check::check_schema;
pub(crate) use ephemeral::AnyEphemeral;
pub(crate) use erased::{AnyDataSource, AnyResource};
pub(crate) use function::{AnyFunction, wrong};
pub(crate) use list::AnyList;

use crate::{
    Action, Arguments as _, DataSource, EphemeralResource, FromValue as _, Function, ListResource,
    Resource,
};
use check::{check_identity, check_signature};
use erased::Erased;
use function::Signed;

type Named<T> = BTreeMap<&'static str, Arc<T>>;

/// Collects what a provider offers: see [`Provider::register`](crate::Provider::register).
pub struct Registry<D> {
    pub(crate) resources: Named<dyn AnyResource<D>>,
    pub(crate) data_sources: Named<dyn AnyDataSource<D>>,
    pub(crate) functions: Named<dyn AnyFunction>,
    pub(crate) ephemerals: Named<dyn AnyEphemeral<D>>,
    pub(crate) lists: Named<dyn AnyList<D>>,
    pub(crate) actions: Named<dyn AnyAction<D>>,
    problems: Vec<String>,
}

impl<D: Send + Sync + 'static> Registry<D> {
    pub(crate) fn new() -> Self {
        Self {
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            functions: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            lists: BTreeMap::new(),
            actions: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Adds a resource.
    pub fn resource<R: Resource<Data = D>>(&mut self, resource: R) {
        let schema = resource.schema();
        check_schema(R::NAME, &schema, &R::Model::reads(), &mut self.problems);
        let identity = resource.identity_schema();
        if let Some(identity) = &identity {
            check_identity(R::NAME, identity, &mut self.problems);
        }
        let erased = Arc::new(Erased {
            inner: resource,
            schema,
            identity,
        });
        let twice = self.resources.insert(R::NAME, erased).is_some();
        self.refuse(twice, "resources", R::NAME);
    }

    /// Adds a data source.
    pub fn data_source<S: DataSource<Data = D>>(&mut self, source: S) {
        let schema = source.schema();
        check_schema(S::NAME, &schema, &S::Model::reads(), &mut self.problems);
        let erased = Arc::new(Erased::new(source, schema));
        let twice = self.data_sources.insert(S::NAME, erased).is_some();
        self.refuse(twice, "data sources", S::NAME);
    }

    /// Adds a function.
    pub fn function<F: Function>(&mut self, function: F) {
        let signature = function.signature();
        check_signature(F::NAME, &signature, F::Arguments::COUNT, &mut self.problems);
        let signed = Arc::new(Signed {
            inner: function,
            signature,
        });
        let twice = self.functions.insert(F::NAME, signed).is_some();
        self.refuse(twice, "functions", F::NAME);
    }

    /// Adds an ephemeral resource.
    pub fn ephemeral<E: EphemeralResource<Data = D>>(&mut self, ephemeral: E) {
        let schema = ephemeral.schema();
        check_schema(E::NAME, &schema, &E::Model::reads(), &mut self.problems);
        let erased = Arc::new(Erased::new(ephemeral, schema));
        let twice = self.ephemerals.insert(E::NAME, erased).is_some();
        self.refuse(twice, "ephemeral resources", E::NAME);
    }

    /// Adds the search for a resource that is added, too.
    pub fn list<L: ListResource<Data = D>>(&mut self, list: L) {
        let schema = list.schema();
        check_schema(L::NAME, &schema, &L::Config::reads(), &mut self.problems);
        let erased = Arc::new(Erased::new(list, schema));
        let twice = self.lists.insert(L::NAME, erased).is_some();
        self.refuse(twice, "list resources", L::NAME);
    }

    /// Adds an action.
    pub fn action<A: Action<Data = D>>(&mut self, action: A) {
        let schema = action.schema();
        check_schema(A::NAME, &schema, &A::Config::reads(), &mut self.problems);
        let erased = Arc::new(Erased::new(action, schema));
        let twice = self.actions.insert(A::NAME, erased).is_some();
        self.refuse(twice, "actions", A::NAME);
    }

    fn refuse(&mut self, twice: bool, what: &str, name: &str) {
        if twice {
            self.problems.push(format!("two {what} are named {name}"));
        }
    }

    /// What is wrong with what was added, each a mistake in the provider's code.
    pub(crate) fn problems(&self) -> Vec<String> {
        let of = |name| {
            let resource = self.resources.get(name)?;
            resource.identity_schema()
        };
        let lost = self.lists.keys().filter(|name| of(*name).is_none());
        let lost = lost.map(|name| {
            format!("{name}: a list needs a resource of the same name with an identity")
        });
        self.problems.iter().cloned().chain(lost).collect()
    }
}
