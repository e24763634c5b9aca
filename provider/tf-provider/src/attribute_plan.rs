//! One attribute while a resource is planned.

use crate::{AttributePath, Value};

/// What is planned for one attribute of a create or an update, at any depth: see
/// [`Attribute::plan_with`](crate::Attribute::plan_with).
#[derive(Debug)]
pub struct AttributePlan<'a> {
    pub(crate) path: &'a AttributePath,
    pub(crate) config: &'a Value,
    pub(crate) prior: &'a Value,
    pub(crate) is_create: bool,
    pub(crate) replace: bool,
    /// What it will be. Where nothing else of the resource changes, what is computed has its value of the state here.
    pub planned: Value,
}

impl AttributePlan<'_> {
    /// Where it is. The elements of a set have the path of the set.
    pub fn path(&self) -> &AttributePath {
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
