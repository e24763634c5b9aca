//! The form that a type has in a plan, where anything may be unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::{Field, FromValue, Number, Object, ToValue, Value};

/// A type with a form for plans, in which everything inside may be left out or unknown.
///
/// What may be inside of it is wrapped in [`Field`]: `Vec<String>` becomes `Vec<Field<String>>`. A model gets one by a name for
/// it, and so do the models in it: see [`Plan::typed`](crate::Plan::typed). A type with a reader of its own that is known
/// or unknown only as a whole is its own form: `type Planned = Self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form for plans",
    label = "not a type that a model with a form for plans can hold",
    note = "a model gets one inside of `tf_provider::model! {{ struct {Self} => … {{ … }} }}`",
    note = "a type with a `FromValue` of its own gets one by `impl Plannable`, with `type Planned = Self`"
)]
pub trait Plannable {
    /// The form. What it is a part of wraps it in [`Field`].
    type Planned: FromValue + ToValue;
}

macro_rules! as_it_is {
    ($($type:ty),*) => {
        $(impl Plannable for $type {
            type Planned = Self;
        })*
    };
}
as_it_is!(
    String, bool, i8, i16, i32, i64, u8, u16, u32, u64, f64, Number, Object, Value
);

/// The form of a model's field may be left out anyway.
impl<T: Plannable> Plannable for Option<T> {
    type Planned = T::Planned;
}

impl<T: Plannable> Plannable for Field<T> {
    type Planned = T::Planned;
}

impl<T: Plannable> Plannable for Box<T> {
    type Planned = T::Planned;
}

impl<T: Plannable> Plannable for Vec<T> {
    type Planned = Vec<Field<T::Planned>>;
}

/// Elements that are unknown may turn out to be equal, so it is not a set.
impl<T: Plannable> Plannable for BTreeSet<T> {
    type Planned = Vec<Field<T::Planned>>;
}

impl<T: Plannable> Plannable for BTreeMap<String, T> {
    type Planned = BTreeMap<String, Field<T::Planned>>;
}
