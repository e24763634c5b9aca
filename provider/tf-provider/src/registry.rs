//! What a provider offers, by name, with the types of its models erased.

mod check;
mod erased;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use check::check_schema;
pub(crate) use erased::{AnyDataSource, AnyResource};

use crate::{DataSource, FromValue as _, Resource};
use check::check_identity;
use erased::Erased;

/// Collects what a provider offers: see [`Provider::register`](crate::Provider::register).
pub struct Registry<D> {
    pub(crate) resources: BTreeMap<&'static str, Arc<dyn AnyResource<D>>>,
    pub(crate) data_sources: BTreeMap<&'static str, Arc<dyn AnyDataSource<D>>>,
    problems: Vec<String>,
}

impl<D: Send + Sync + 'static> Registry<D> {
    pub(crate) fn new() -> Self {
        Self {
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Adds a resource.
    pub fn resource<R: Resource<Data = D>>(&mut self, resource: R) {
        let schema = resource.schema();
        let identity = resource.identity_schema();
        check_schema(R::NAME, &schema, R::Model::fields(), &mut self.problems);
        if let Some(identity) = &identity {
            check_identity(R::NAME, identity, &mut self.problems);
        }
        if self
            .resources
            .insert(
                R::NAME,
                Arc::new(Erased {
                    inner: resource,
                    schema,
                    identity,
                }),
            )
            .is_some()
        {
            self.problems
                .push(format!("two resources are named {}", R::NAME));
        }
    }

    /// Adds a data source.
    pub fn data_source<S: DataSource<Data = D>>(&mut self, source: S) {
        let schema = source.schema();
        check_schema(S::NAME, &schema, S::Model::fields(), &mut self.problems);
        if self
            .data_sources
            .insert(
                S::NAME,
                Arc::new(Erased {
                    inner: source,
                    schema,
                    identity: None,
                }),
            )
            .is_some()
        {
            self.problems
                .push(format!("two data sources are named {}", S::NAME));
        }
    }

    /// What is wrong with schemas and models, each a mistake in the provider's code.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }
}
