//! The identity of a resource, and resources that come from another type or provider.

use std::collections::BTreeMap;

use crate::context::Private;
use crate::{Object, Type};

/// The attributes that distinguish one resource of a type from all others, whoever manages them.
///
/// Terraform 1.12 and later keeps an identity beside the state, shows it in lists, and imports by it.
///
/// ```
/// use tf_provider::{IdentityAttribute, IdentitySchema, Type};
///
/// let identity = IdentitySchema::new()
///     .attribute("name", IdentityAttribute::required(Type::String).description("Unique in its region."))
///     .attribute("region", IdentityAttribute::optional(Type::String));
/// ```
#[derive(Clone, Debug, Default)]
pub struct IdentitySchema {
    pub(crate) version: i64,
    pub(crate) attributes: BTreeMap<String, IdentityAttribute>,
    /// Names of which there was one already: a mistake that is reported when the provider starts.
    pub(crate) twice: Vec<String>,
}

impl IdentitySchema {
    /// Nothing yet, at version 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the identity's shape, from 0: raise it where stored identities need upgrading.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Adds an attribute. A second one of the same name stops the provider when it starts.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: IdentityAttribute) -> Self {
        let name = name.into();
        if self.attributes.insert(name.clone(), attribute).is_some() {
            self.twice.push(name);
        }
        self
    }

    /// The type of the whole identity.
    pub fn object_type(&self) -> Type {
        let attributes = self.attributes.iter();
        Type::object(attributes.map(|(name, of)| (name.clone(), of.ty.clone())))
    }
}

/// One attribute of an identity: a string, a number, a bool, or a list of these.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) description: String,
}

impl IdentityAttribute {
    /// An import by identity must say it.
    pub fn required(ty: Type) -> Self {
        Self {
            ty,
            required: true,
            description: String::new(),
        }
    }

    /// An import by identity may leave it out, if the provider knows it by other means.
    pub fn optional(ty: Type) -> Self {
        Self {
            required: false,
            ..Self::required(ty)
        }
    }

    /// What it is.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }
}

/// The resource that a `moved` block is to turn into another: see [`Resource::move_from`](crate::Resource::move_from).
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// The provider that it belongs to, such as `registry.terraform.io/hashicorp/null`.
    pub provider_address: String,
    /// Its type, such as `null_resource`.
    pub type_name: String,
    /// The schema version of its state.
    pub schema_version: i64,
    /// Its state, by names of its own schema. Lists come as tuples, maps as objects.
    pub state: Object,
    /// Its identity, if it has one.
    pub identity: Option<Object>,
    /// Its private data, in whatever form its provider gave it.
    pub private: Vec<u8>,
}

impl MoveSource {
    /// What a provider on this framework left under `key`; nothing where the private data is of another form.
    pub fn private(&self, key: &str) -> Option<Vec<u8>> {
        Private::decode(&self.private).take(key)
    }
}

/// What a resource of another type becomes.
///
/// Made of the new state: `Moved::from(state)`. What the schema does not have is dropped from it.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    pub(crate) state: Object,
    pub(crate) private: Private,
}

impl Moved {
    /// Leaves `bytes` for later operations, as [`Context::set_private`](crate::Context::set_private) does.
    #[must_use]
    pub fn private(mut self, key: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.private.put(key.into(), bytes.into());
        self
    }
}

impl From<Object> for Moved {
    fn from(state: Object) -> Self {
        Self {
            state,
            private: Private::default(),
        }
    }
}
