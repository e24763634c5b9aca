//! The function `provider::fs::relative`.

use std::path::Path;

use tf_provider::{Function, FunctionError, Parameter, Signature, Type};

pub(crate) struct Relative;

impl Function for Relative {
    const NAME: &'static str = "relative";
    type Arguments = (String, Vec<String>);
    type Output = String;

    fn signature(&self) -> Signature {
        let part = |name: &str| Parameter::new(name, Type::String);
        Signature::returning(Type::String)
            .summary("Joins parts to a path that stays below the root.")
            .parameter(part("first"))
            .variadic(part("more"))
    }

    async fn call(&self, (first, more): (String, Vec<String>)) -> Result<String, FunctionError> {
        let mut path = String::new();
        for (at, part) in [first].iter().chain(&more).enumerate() {
            let names = Path::new(part).components();
            for name in names {
                let std::path::Component::Normal(name) = name else {
                    let text = format!("{part:?} leads out of the root.");
                    return Err(FunctionError::new(text).at(at));
                };
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(&name.to_string_lossy());
            }
        }
        Ok(path)
    }
}
