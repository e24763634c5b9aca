//! What a configuration may say, and what becomes of it at plan time.

mod rule;
mod validator;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{RangeBounds, RangeInclusive};
use std::sync::Arc;

use crate::codec::conform;
use crate::{AttributePath, AttributePlan, FromValue, ToValue, Type, Value};
pub(crate) use rule::Rule;
use validator::Lengths;
pub(crate) use validator::{Sees, Validator};

/// The attributes and blocks of a resource, a data source or a provider.
///
/// ```
/// use tf_provider::{Attribute, Block, Fields, Nested, Schema, Type};
///
/// let schema = Schema::new()
///     .description("A file with its content.")
///     .attribute("path", Attribute::required(Type::String).requires_replace())
///     .attribute("mode", Attribute::optional(Type::String).default("0644"))
///     .attribute("size", Attribute::computed(Type::Number).description("Length in bytes."))
///     .attribute("owner", Attribute::optional(Nested::single(
///         Fields::new().attribute("user", Attribute::required(Type::String)),
///     )))
///     .block("watch", Block::list(
///         Fields::new().attribute("event", Attribute::required(Type::String)),
///     ).at_most(3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub(crate) version: i64,
    pub(crate) description: String,
    pub(crate) deprecated: Option<String>,
    pub(crate) fields: Fields,
}

impl Schema {
    /// Nothing yet, at version 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the state's shape, from 0: raise it where stored state needs upgrading.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// What it is for, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Warns users, and says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecated = Some(instead.into());
        self
    }

    /// Adds an attribute. A second one of the same name stops the provider when it starts.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.fields = self.fields.attribute(name, attribute);
        self
    }

    /// Adds a block. A second one of the same name stops the provider when it starts.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.fields = self.fields.block(name, block);
        self
    }

    /// Exactly one of these attributes and blocks must be set. See [`Fields::exactly_one_of`].
    #[must_use]
    pub fn exactly_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = self.fields.exactly_one_of(names);
        self
    }

    /// At least one of these attributes and blocks must be set.
    #[must_use]
    pub fn at_least_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = self.fields.at_least_one_of(names);
        self
    }

    /// At most one of these attributes and blocks may be set.
    #[must_use]
    pub fn at_most_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = self.fields.at_most_one_of(names);
        self
    }

    /// These attributes and blocks must be set together or not at all.
    #[must_use]
    pub fn together(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = self.fields.together(names);
        self
    }

    /// Where `name` is set, all the others must be set, too.
    #[must_use]
    pub fn required_with(
        mut self,
        name: impl Into<String>,
        others: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.fields = self.fields.required_with(name, others);
        self
    }

    /// Where `name` is set, the others must not be set.
    #[must_use]
    pub fn conflicts_with(
        mut self,
        name: impl Into<String>,
        others: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.fields = self.fields.conflicts_with(name, others);
        self
    }

    /// The type of the whole object.
    pub fn object_type(&self) -> Type {
        self.fields.object_type()
    }
}

/// Attributes and blocks by name: the inside of a schema, a block or a nested attribute.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) blocks: BTreeMap<String, Block>,
    /// Names of which there was one already: a mistake that is reported when the provider starts.
    pub(crate) twice: Vec<String>,
    pub(crate) rules: Vec<Rule>,
}

impl Fields {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute. A second one of the same name stops the provider when it starts.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        let name = name.into();
        if self.attributes.insert(name.clone(), attribute).is_some() {
            self.twice.push(name);
        }
        self
    }

    /// Adds a block, which a nested attribute cannot hold. A second one of the same name stops the provider when it starts.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        let name = name.into();
        if self.blocks.insert(name.clone(), block).is_some() {
            self.twice.push(name);
        }
        self
    }

    /// Exactly one of these attributes and blocks must be set.
    ///
    /// The rule holds for each object that has these fields, in nested attributes and blocks as well. What is not known yet
    /// may turn out to be set or not, so it breaks no rule. An attribute's default does not count as set.
    ///
    /// ```
    /// # use tf_provider::{Attribute, Fields, Type};
    /// Fields::new()
    ///     .attribute("days", Attribute::optional(Type::Number))
    ///     .attribute("years", Attribute::optional(Type::Number))
    ///     .exactly_one_of(["days", "years"]);
    /// ```
    #[must_use]
    pub fn exactly_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules.push(Rule::ExactlyOne(owned(names)));
        self
    }

    /// At least one of these attributes and blocks must be set.
    #[must_use]
    pub fn at_least_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules.push(Rule::AtLeastOne(owned(names)));
        self
    }

    /// At most one of these attributes and blocks may be set.
    #[must_use]
    pub fn at_most_one_of(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules.push(Rule::AtMostOne(owned(names)));
        self
    }

    /// These attributes and blocks must be set together or not at all.
    #[must_use]
    pub fn together(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules.push(Rule::Together(owned(names)));
        self
    }

    /// Where `name` is set, all the others must be set, too.
    #[must_use]
    pub fn required_with(
        mut self,
        name: impl Into<String>,
        others: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.rules.push(Rule::Requires(name.into(), owned(others)));
        self
    }

    /// Where `name` is set, the others must not be set.
    #[must_use]
    pub fn conflicts_with(
        mut self,
        name: impl Into<String>,
        others: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.rules.push(Rule::Conflicts(name.into(), owned(others)));
        self
    }

    pub(crate) fn object_type(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.ty()));
        let blocks = self
            .blocks
            .iter()
            .map(|(name, block)| (name.clone(), block.ty()));
        Type::object(attributes.chain(blocks))
    }
}

fn owned(names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}

/// How the elements of a nested attribute or block are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nesting {
    Single,
    List,
    Set,
    Map,
}

impl Nesting {
    pub(crate) fn of(self, object: Type) -> Type {
        match self {
            Self::Single => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

/// Attributes under an attribute, written with an equals sign: `rule = [{ days = 3 }]`.
#[derive(Clone, Debug)]
pub struct Nested {
    pub(crate) nesting: Nesting,
    pub(crate) fields: Fields,
}

impl Nested {
    /// One object.
    pub fn single(fields: Fields) -> Self {
        Self {
            nesting: Nesting::Single,
            fields,
        }
    }

    /// Objects in order.
    pub fn list(fields: Fields) -> Self {
        Self {
            nesting: Nesting::List,
            fields,
        }
    }

    /// Distinct objects without order.
    pub fn set(fields: Fields) -> Self {
        Self {
            nesting: Nesting::Set,
            fields,
        }
    }

    /// Objects by name.
    pub fn map(fields: Fields) -> Self {
        Self {
            nesting: Nesting::Map,
            fields,
        }
    }
}

/// What an attribute holds: a plain type, or attributes of its own.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A plain type.
    Type(Type),
    /// Attributes under it.
    Nested(Nested),
}

impl From<Type> for Shape {
    fn from(ty: Type) -> Self {
        Self::Type(ty)
    }
}

impl From<Nested> for Shape {
    fn from(nested: Nested) -> Self {
        Self::Nested(nested)
    }
}

/// Who gives an attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Required,
    Optional,
    Computed,
    OptionalComputed,
}

type Modifier = Arc<dyn Fn(&mut AttributePlan<'_>) -> Result<(), String> + Send + Sync>;

/// One argument, made by who gives it its value: [`required`](Self::required), [`optional`](Self::optional),
/// [`computed`](Self::computed) or [`optional_computed`](Self::optional_computed).
#[derive(Clone)]
pub struct Attribute {
    pub(crate) shape: Shape,
    pub(crate) source: Source,
    pub(crate) description: String,
    pub(crate) deprecated: Option<String>,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    pub(crate) plan: PlanRules,
    pub(crate) validators: Vec<Validator>,
    pub(crate) modifiers: Vec<Modifier>,
}

/// What becomes of an attribute at plan time.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanRules {
    pub(crate) default: Option<Value>,
    pub(crate) requires_replace: bool,
    pub(crate) use_state_for_unknown: bool,
}

impl Attribute {
    /// The configuration must set it. In the model: the bare type.
    pub fn required(shape: impl Into<Shape>) -> Self {
        Self::new(shape.into(), Source::Required)
    }

    /// The configuration may set it; if not, it is null. In the model: `Option`.
    pub fn optional(shape: impl Into<Shape>) -> Self {
        Self::new(shape.into(), Source::Optional)
    }

    /// The provider sets it. In the model: [`Field`](crate::Field).
    pub fn computed(shape: impl Into<Shape>) -> Self {
        Self::new(shape.into(), Source::Computed)
    }

    /// The configuration may set it; if not, the provider does. In the model: [`Field`](crate::Field).
    pub fn optional_computed(shape: impl Into<Shape>) -> Self {
        Self::new(shape.into(), Source::OptionalComputed)
    }

    fn new(shape: Shape, source: Source) -> Self {
        Self {
            shape,
            source,
            description: String::new(),
            deprecated: None,
            sensitive: false,
            write_only: false,
            plan: PlanRules::default(),
            validators: Vec::new(),
            modifiers: Vec::new(),
        }
    }

    /// What it is for, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Warns users who set it, and says what to set instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecated = Some(instead.into());
        self
    }

    /// Kept out of what Terraform prints (but not out of the state).
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Never in plan or state, always null there; [`Context::config`](crate::Context::config) has it at apply time.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Its value where the configuration does not set it. In the model: the bare type.
    ///
    /// The provider sets a default, so Terraform shows the attribute as optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl ToValue) -> Self {
        let value = value.to_value();
        // One that does not fit the type stays as it is, and is reported when the provider starts.
        let fitted = conform(value.clone(), &self.ty(), &AttributePath::root());
        self.plan.default = Some(fitted.unwrap_or(value));
        self.source = Source::OptionalComputed;
        self
    }

    /// A change of it replaces the resource.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.plan.requires_replace = true;
        self
    }

    /// On update it keeps the value of the state, where it would otherwise be shown as known only after apply: for what
    /// the provider sets once, such as an identifier.
    #[must_use]
    pub fn use_state_for_unknown(mut self) -> Self {
        self.plan.use_state_for_unknown = true;
        self
    }

    /// Changes the plan of this attribute after the rules above, each time one is made. The text of an error is shown
    /// under the attribute.
    ///
    /// What the configuration says must stay, or be what the state has: so a difference that means nothing is passed over.
    ///
    /// ```
    /// # use tf_provider::{Attribute, Type};
    /// # fn upper(value: &tf_provider::Value) -> Option<String> {
    /// #     if let tf_provider::Value::String(text) = value { Some(text.to_uppercase()) } else { None }
    /// # }
    /// Attribute::required(Type::String).plan_with(|change| {
    ///     if change.config().is_wholly_known() && upper(change.config()) == upper(change.prior()) {
    ///         change.planned = change.prior().clone();
    ///     }
    ///     Ok(())
    /// });
    /// ```
    #[must_use]
    pub fn plan_with(
        mut self,
        modify: impl Fn(&mut AttributePlan<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.modifiers.push(Arc::new(modify));
        self
    }

    /// Checks what the configuration says. Nulls, and values that are not wholly known yet, are not checked.
    ///
    /// The text of the error is shown under the attribute, so it is a sentence and does not repeat the name. A value
    /// that is not a `T` is an error as well.
    ///
    /// ```
    /// # use tf_provider::{Attribute, Type};
    /// Attribute::required(Type::Number).validate(|days: u32| match days {
    ///     1..=36_500 => Ok(()),
    ///     _ => Err(format!("{days} is not between 1 and 36500 days.")),
    /// });
    /// ```
    #[must_use]
    pub fn validate<T: FromValue>(
        mut self,
        check: impl Fn(T) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validators.push(Validator::typed(check));
        self
    }

    /// Checks that a number is whole and in the range, both ends included. The unit is a plural, for the message:
    /// `1.5 is not a whole number of days between 1 and 36500.`
    ///
    /// ```
    /// # use tf_provider::{Attribute, Type};
    /// Attribute::required(Type::Number).range("days", 1..=36_500);
    /// ```
    #[must_use]
    pub fn range<N: Into<i64>>(
        mut self,
        unit: impl Into<String>,
        range: RangeInclusive<N>,
    ) -> Self {
        let (least, most) = range.into_inner();
        let range = least.into()..=most.into();
        self.validators.push(Validator::range(unit.into(), range));
        self
    }

    /// Checks how many characters a string, how many elements a list or set, or how many entries a map has:
    /// `Expected 1 to 50 elements, found 0.`
    ///
    /// Elements need not be known for that. Unknown ones of a set may turn out to be equal, and get the benefit of the doubt.
    ///
    /// ```
    /// # use tf_provider::{Attribute, Type};
    /// Attribute::required(Type::list(Type::String)).length(1..=50);
    /// Attribute::optional(Type::String).length(1..);
    /// ```
    #[must_use]
    pub fn length(mut self, lengths: impl RangeBounds<usize>) -> Self {
        let lengths = Lengths::of(&lengths);
        self.validators.push(Validator::length(lengths));
        self
    }

    /// Checks that the text is one of these.
    #[must_use]
    pub fn one_of(mut self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        self.validators.push(Validator::one_of(choices));
        self
    }

    pub(crate) fn ty(&self) -> Type {
        match &self.shape {
            Shape::Type(ty) => ty.clone(),
            Shape::Nested(nested) => nested.nesting.of(nested.fields.object_type()),
        }
    }

    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.source, Source::Computed | Source::OptionalComputed)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("source", &self.source)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// Attributes written as a block: `timeouts { create = "5m" }`. New schemas rather use [`Nested`] attributes.
#[derive(Clone, Debug)]
pub struct Block {
    pub(crate) nesting: Nesting,
    pub(crate) fields: Fields,
    pub(crate) description: String,
    pub(crate) deprecated: Option<String>,
    pub(crate) at_least: i64,
    pub(crate) at_most: i64,
    pub(crate) computed: bool,
}

impl Block {
    /// One block at most. In the model: `Option` of a model.
    pub fn single(fields: Fields) -> Self {
        Self::new(Nesting::Single, fields)
    }

    /// Blocks in order. In the model: `Vec`.
    pub fn list(fields: Fields) -> Self {
        Self::new(Nesting::List, fields)
    }

    /// Distinct blocks without order. In the model: `Vec` or `BTreeSet`.
    pub fn set(fields: Fields) -> Self {
        Self::new(Nesting::Set, fields)
    }

    fn new(nesting: Nesting, fields: Fields) -> Self {
        Self {
            nesting,
            fields,
            description: String::new(),
            deprecated: None,
            at_least: 0,
            at_most: 0,
            computed: false,
        }
    }

    /// What it is for, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Warns users who write it, and says what to write instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecated = Some(instead.into());
        self
    }

    /// The fewest blocks of a list or set.
    #[must_use]
    pub fn at_least(mut self, blocks: u32) -> Self {
        self.at_least = i64::from(blocks);
        self
    }

    /// The most blocks of a list or set.
    #[must_use]
    pub fn at_most(mut self, blocks: u32) -> Self {
        self.at_most = i64::from(blocks);
        self
    }

    /// Where the configuration has no such block, the provider sets what it holds, as with
    /// [`Attribute::optional_computed`]. In the model: [`Field`](crate::Field).
    ///
    /// Terraform takes this from 1.16 on. With an older one, what is not configured is planned as no block.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    pub(crate) fn ty(&self) -> Type {
        self.nesting.of(self.fields.object_type())
    }
}
