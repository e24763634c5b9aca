//! What a provider offers, by name, with the types of its models erased.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use crate::schema::{Attribute, Fields, Shape, Source};
use crate::{
    AttributePath, Context, DataSource, FromValue, Object, Plan, Resource, Result, Schema, ToValue,
    Value, ValueError,
};

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
        check_schema(R::NAME, &schema, R::Model::fields(), &mut self.problems);
        if self
            .resources
            .insert(
                R::NAME,
                Arc::new(Erased {
                    inner: resource,
                    schema,
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

/// Finds what Terraform would refuse, and fields that no attribute matches, before anyone else does.
pub(crate) fn check_schema(
    name: &str,
    schema: &Schema,
    fields: Option<Vec<&'static str>>,
    problems: &mut Vec<String>,
) {
    let mut found = Vec::new();
    check_fields(&schema.fields, &AttributePath::root(), &mut found);
    if let Some(fields) = fields {
        let fields: BTreeSet<_> = fields.into_iter().collect();
        let named = schema
            .fields
            .attributes
            .keys()
            .chain(schema.fields.blocks.keys());
        let attributes: BTreeSet<_> = named.map(String::as_str).collect();
        found.extend(
            attributes
                .difference(&fields)
                .map(|name| format!("{name}: the model has no such field")),
        );
        found.extend(
            fields
                .difference(&attributes)
                .map(|name| format!("{name}: the schema has no such attribute")),
        );
    }
    problems.extend(
        found
            .into_iter()
            .map(|problem| format!("{name}: {problem}")),
    );
}

fn check_fields(fields: &Fields, path: &AttributePath, problems: &mut Vec<String>) {
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        if fields.blocks.contains_key(name) {
            problems.push(format!("{path}: is both an attribute and a block"));
        }
        check_name(name, &path, problems);
        check_attribute(attribute, &path, problems);
    }
    for (name, block) in &fields.blocks {
        let path = path.clone().attribute(name);
        check_name(name, &path, problems);
        check_fields(&block.fields, &path, problems);
    }
}

fn check_name(name: &str, path: &AttributePath, problems: &mut Vec<String>) {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(good) {
        problems.push(format!("{path}: a name has lower-case letters, digits and underscores, and begins with a letter"));
    }
}

fn check_attribute(attribute: &Attribute, path: &AttributePath, problems: &mut Vec<String>) {
    if attribute.write_only && !matches!(attribute.source, Source::Required | Source::Optional) {
        problems.push(format!("{path}: what is write-only cannot be computed"));
    }
    if attribute.source == Source::Computed && !attribute.validators.is_empty() {
        problems.push(format!(
            "{path}: nobody configures it, so there is nothing to validate"
        ));
    }
    if let Some(default) = &attribute.plan.default
        && let Err(error) = crate::codec::conform(default.clone(), &attribute.ty(), path)
    {
        problems.push(format!("default of {error}"));
    }
    if let Shape::Nested(nested) = &attribute.shape {
        if !nested.fields.blocks.is_empty() {
            problems.push(format!("{path}: a nested attribute holds no blocks"));
        }
        check_fields(&nested.fields, path, problems);
    }
}

/// A resource or data source with its schema, which is made once.
struct Erased<T> {
    inner: T,
    schema: Schema,
}

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Resource`] whose model is erased to [`Value`].
pub(crate) trait AnyResource<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn upgrade(&self, version: i64, state: Object) -> Result<Object>;
    fn plan<'a>(&'a self, cx: &'a Context<D>, plan: &'a mut Plan) -> Boxed<'a, Result>;
    fn create<'a>(&'a self, cx: &'a Context<D>, planned: Value) -> Boxed<'a, Result<Value>>;
    fn read<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result<Option<Value>>>;
    fn update<'a>(
        &'a self,
        cx: &'a Context<D>,
        prior: Value,
        planned: Value,
    ) -> Boxed<'a, Result<Value>>;
    fn delete<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result>;
    fn import<'a>(&'a self, cx: &'a Context<D>, id: String) -> Boxed<'a, Result<Value>>;
}

fn model<M: FromValue>(value: Value) -> Result<M, ValueError> {
    M::from_value(value, &AttributePath::root())
}

impl<D: Send + Sync + 'static, R: Resource<Data = D>> AnyResource<D> for Erased<R> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn upgrade(&self, version: i64, state: Object) -> Result<Object> {
        self.inner.upgrade(version, state)
    }

    fn plan<'a>(&'a self, cx: &'a Context<D>, plan: &'a mut Plan) -> Boxed<'a, Result> {
        Box::pin(self.inner.plan(cx, plan))
    }

    fn create<'a>(&'a self, cx: &'a Context<D>, planned: Value) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.create(cx, model(planned)?).await?.to_value()) })
    }

    fn read<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result<Option<Value>>> {
        Box::pin(async move {
            Ok(self
                .inner
                .read(cx, model(state)?)
                .await?
                .map(|state| state.to_value()))
        })
    }

    fn update<'a>(
        &'a self,
        cx: &'a Context<D>,
        prior: Value,
        planned: Value,
    ) -> Boxed<'a, Result<Value>> {
        Box::pin(async move {
            Ok(self
                .inner
                .update(cx, model(prior)?, model(planned)?)
                .await?
                .to_value())
        })
    }

    fn delete<'a>(&'a self, cx: &'a Context<D>, state: Value) -> Boxed<'a, Result> {
        Box::pin(async move { self.inner.delete(cx, model(state)?).await })
    }

    fn import<'a>(&'a self, cx: &'a Context<D>, id: String) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.import(cx, id).await?.to_value()) })
    }
}

/// A [`DataSource`] whose model is erased to [`Value`].
pub(crate) trait AnyDataSource<D>: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Object) -> Result;
    fn read<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Value>>;
}

impl<D: Send + Sync + 'static, S: DataSource<Data = D>> AnyDataSource<D> for Erased<S> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Object) -> Result {
        self.inner.validate(config)
    }

    fn read<'a>(&'a self, cx: &'a Context<D>, config: Value) -> Boxed<'a, Result<Value>> {
        Box::pin(async move { Ok(self.inner.read(cx, model(config)?).await?.to_value()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Nested, Type};

    fn problems(schema: &Schema, fields: &[&'static str]) -> Vec<String> {
        let mut problems = Vec::new();
        check_schema("x", schema, Some(fields.to_vec()), &mut problems);
        problems
    }

    #[test]
    fn schema_and_model_must_agree() {
        let schema = Schema::new()
            .attribute("a", Attribute::required(Type::String))
            .block("b", Block::list(Fields::new()));
        assert_eq!(problems(&schema, &["a", "b"]), Vec::<String>::new());
        let found = problems(&schema, &["b", "c"]);
        assert_eq!(
            found,
            [
                "x: a: the model has no such field",
                "x: c: the schema has no such attribute"
            ]
        );
    }

    #[test]
    fn mistakes_in_a_schema_are_found_before_terraform_does() {
        let inside = Fields::new().block("c", Block::single(Fields::new()));
        let cases = [
            (
                Attribute::required(Type::Number).default("x"),
                "x: default of a: expected number, found a string",
            ),
            (
                Attribute::computed(Type::String).write_only(),
                "x: a: what is write-only cannot be computed",
            ),
            (
                Attribute::computed(Type::String).one_of(["b"]),
                "x: a: nobody configures it, so there is nothing to validate",
            ),
            (
                Attribute::optional(Nested::single(inside)),
                "x: a: a nested attribute holds no blocks",
            ),
        ];
        for (attribute, problem) in cases {
            assert_eq!(
                problems(&Schema::new().attribute("a", attribute), &["a"]),
                [problem]
            );
        }
        let schema = Schema::new().attribute("Bad-name", Attribute::required(Type::String));
        assert!(problems(&schema, &["Bad-name"])[0].contains("begins with a letter"));
    }
}
