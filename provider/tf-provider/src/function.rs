//! Functions that configurations call: `provider::fs::join("a", "b")`.

use crate::{AttributePath, FromValue, ToValue, Type, Value, ValueError};

/// A pure function: the same arguments give the same result, whatever the provider is configured to. It is called
/// before the provider is configured, too, and needs Terraform 1.8 or later.
///
/// ```
/// use tf_provider::{Function, FunctionError, Parameter, Signature, Type};
///
/// struct Repeat;
///
/// impl Function for Repeat {
///     const NAME: &'static str = "repeat";
///     type Arguments = (String, u32);
///     type Output = String;
///
///     fn signature(&self) -> Signature {
///         Signature::returning(Type::String)
///             .summary("Says a text several times.")
///             .parameter(Parameter::new("text", Type::String))
///             .parameter(Parameter::new("times", Type::Number))
///     }
///
///     async fn call(&self, (text, times): (String, u32)) -> Result<String, FunctionError> {
///         match usize::try_from(times) {
///             Ok(times @ ..1000) => Ok(text.repeat(times)),
///             _ => Err(FunctionError::new("That is too often.").at(1)),
///         }
///     }
/// }
/// ```
pub trait Function: Send + Sync + 'static {
    /// The name after `provider::<provider>::`, without a prefix.
    const NAME: &'static str;

    /// A tuple with a type for each parameter: `Option` where it may be null, [`Field`](crate::Field) where it may be
    /// unknown. A variadic parameter comes last, as a `Vec`.
    type Arguments: Arguments;

    /// What comes back.
    type Output: ToValue;

    /// Parameters and result as Terraform checks them.
    fn signature(&self) -> Signature;

    /// Calls it.
    fn call(
        &self,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Self::Output, FunctionError>> + Send;
}

/// The parameters and the result of a [`Function`].
#[derive(Clone, Debug)]
pub struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) variadic: Option<Parameter>,
    pub(crate) returns: Type,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) deprecated: Option<String>,
}

impl Signature {
    /// No parameters yet.
    pub fn returning(ty: Type) -> Self {
        Self {
            parameters: Vec::new(),
            variadic: None,
            returns: ty,
            summary: String::new(),
            description: String::new(),
            deprecated: None,
        }
    }

    /// What it does, in one line of plain text.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = text.into();
        self
    }

    /// What it does, at length, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Warns callers, and says what to call instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecated = Some(instead.into());
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Any number of further arguments like this one, after all others.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }
}

/// One parameter of a [`Function`].
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) description: String,
    pub(crate) allows_null: bool,
    pub(crate) allows_unknown: bool,
}

impl Parameter {
    /// One that is never null, and without which nothing can be said: where the argument is unknown, so is the result.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
            description: String::new(),
            allows_null: false,
            allows_unknown: false,
        }
    }

    /// What it is for, in Markdown.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Null is an argument too. Among the [arguments](Function::Arguments): `Option`, or [`Field`](crate::Field).
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allows_null = true;
        self
    }

    /// The function is called even where the argument, or something in it, is unknown. Among the
    /// [arguments](Function::Arguments): [`Field`](crate::Field) or [`Value`].
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allows_unknown = true;
        self
    }
}

/// Why a call failed: shown under the call, or under one argument of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    pub(crate) text: String,
    pub(crate) argument: Option<usize>,
}

impl FunctionError {
    /// About the whole call; [`at`](Self::at) narrows it down. The text is a sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: None,
        }
    }

    /// The same, about one argument, from 0. Each variadic argument counts.
    #[must_use]
    pub fn at(self, argument: usize) -> Self {
        Self {
            argument: Some(argument),
            ..self
        }
    }
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of arguments",
    note = "the arguments are a tuple of up to eight types that a model can hold; one alone is `(String,)`"
)]
/// A tuple of up to eight types that are [`FromValue`], for the parameters of a [`Function`].
pub trait Arguments: Sized + Send {
    /// How many there are. The variadic ones count as one.
    const COUNT: usize;

    /// Reads the arguments, of which the variadic ones are one list.
    ///
    /// # Errors
    /// The first argument, from 0, that is not what its type asks for.
    fn from_values(values: Vec<Value>) -> Result<Self, (usize, ValueError)>;
}

macro_rules! arguments {
    ($count:literal: $($at:literal $type:ident),*) => {
        impl<$($type: FromValue + Send),*> Arguments for ($($type,)*) {
            const COUNT: usize = $count;

            fn from_values(values: Vec<Value>) -> Result<Self, (usize, ValueError)> {
                let mut values = values.into_iter();
                // Without parameters nothing is read.
                let _ = &mut values;
                Ok(($(
                    $type::from_value(values.next().unwrap_or_default(), &AttributePath::root())
                        .map_err(|error| ($at, error))?,
                )*))
            }
        }
    };
}
arguments!(0:);
arguments!(1: 0 A);
arguments!(2: 0 A, 1 B);
arguments!(3: 0 A, 1 B, 2 C);
arguments!(4: 0 A, 1 B, 2 C, 3 D);
arguments!(5: 0 A, 1 B, 2 C, 3 D, 4 E);
arguments!(6: 0 A, 1 B, 2 C, 3 D, 4 E, 5 F);
arguments!(7: 0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G);
arguments!(8: 0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H);
