//! The RPCs about functions. All of them are answered before the provider is configured, too.

use std::collections::HashMap;

use super::Service;
use super::guard::guard;
use crate::codec;
use crate::proto::tfplugin6 as pb;
use crate::registry::{AnyFunction, wrong};
use crate::{AttributePath, FunctionError, Provider, Value, wire};

impl<P: Provider> Service<P> {
    pub(super) fn function_signatures(&self) -> HashMap<String, pb::Function> {
        let functions = self.registry.functions.iter();
        functions
            .map(|(name, of)| ((*name).to_owned(), wire::function(of.signature())))
            .collect()
    }

    pub(super) fn get_functions(
        &self,
        _: pb::get_functions::Request,
    ) -> pb::get_functions::Response {
        pb::get_functions::Response {
            functions: self.function_signatures(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) async fn call_function(
        &self,
        request: pb::call_function::Request,
    ) -> pb::call_function::Response {
        match self.called(&request.name, request.arguments).await {
            Ok(result) => pb::call_function::Response {
                result: Some(result),
                error: None,
            },
            Err(error) => pb::call_function::Response {
                result: None,
                error: Some(pb::FunctionError {
                    text: error.text,
                    function_argument: error.argument.and_then(|at| i64::try_from(at).ok()),
                }),
            },
        }
    }

    async fn called(
        &self,
        name: &str,
        arguments: Vec<pb::DynamicValue>,
    ) -> Result<pb::DynamicValue, FunctionError> {
        let function = self.registry.functions.get(name).ok_or_else(|| {
            FunctionError::new(format!(
                "This version of the provider has no function {name}."
            ))
        })?;
        let arguments = typed(function.as_ref(), arguments)?;
        let call = guard(name, "run", async { Ok(function.call(arguments).await) });
        let result = call.await.unwrap_or_else(|panicked| {
            let texts = panicked
                .iter()
                .map(|found| format!("{}: {}", found.summary, found.detail));
            Err(FunctionError::new(texts.collect::<Vec<_>>().join("\n")))
        })?;
        let ty = &function.signature().returns;
        codec::conform(result, ty, &AttributePath::root())
            .and_then(|result| codec::encode(&result, ty))
            .map(|msgpack| pb::DynamicValue {
                msgpack,
                json: Vec::new(),
            })
            .map_err(|error| {
                let text = format!("{name} returned a wrong value: {error}. Please report this to the provider's authors.");
                FunctionError::new(text)
            })
    }
}

/// The arguments by the types of the parameters, the variadic ones as one list at the end.
fn typed(
    function: &dyn AnyFunction,
    arguments: Vec<pb::DynamicValue>,
) -> Result<Vec<Value>, FunctionError> {
    let signature = function.signature();
    let fixed = signature.parameters.len();
    let given = arguments.len();
    if given < fixed || (given > fixed && signature.variadic.is_none()) {
        let text = format!("The function takes {fixed} arguments, and was given {given}.");
        return Err(FunctionError::new(text));
    }
    let more = std::iter::repeat_n(signature.variadic.as_ref(), given.saturating_sub(fixed));
    let parameters = signature.parameters.iter().chain(more.flatten());
    let arguments = arguments.into_iter().zip(parameters).enumerate();
    let read = arguments.map(|(at, (argument, parameter))| {
        let read = if argument.msgpack.is_empty() {
            codec::decode_json(&argument.json, &parameter.ty)
        } else {
            codec::decode(&argument.msgpack, &parameter.ty)
        };
        read.map_err(|error| wrong(&error).at(at))
    });
    let mut values = read.collect::<Result<Vec<_>, _>>()?;
    if signature.variadic.is_some() {
        let rest = values.split_off(fixed);
        values.push(Value::List(rest));
    }
    Ok(values)
}
