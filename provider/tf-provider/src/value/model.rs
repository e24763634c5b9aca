//! The macro that makes models of plain structs.

/// Defines plain structs that are read from and written to values, field by field under the same name.
///
/// A name after an arrow, as in `struct File => FilePlan`, makes a second struct of that name in which anything may be
/// unknown: see [`Plan::typed`](crate::Plan::typed).
///
/// A keyword as a name is written raw: `r#type`. A field may be any type that is [`FromValue`](crate::FromValue) and
/// [`ToValue`](crate::ToValue), other models included, and may say that it is absent ([`Option`]) or not known yet
/// ([`Field`](crate::Field)).
///
/// ```
/// use tf_provider::{Field, Object, model};
///
/// model! {
///     /// A file.
///     #[derive(Clone, Debug, PartialEq)]
///     pub struct File {
///         path: String,
///         content: Option<String>,
///         /// Known once the file is written.
///         size: Field<u64>,
///     }
/// }
///
/// let object = Object::new().with("path", "/tmp/a");
/// let file: File = object.decode()?;
/// assert_eq!(file, File { path: "/tmp/a".into(), content: None, size: Field::Null });
///
/// let error = Object::new().decode::<File>().unwrap_err();
/// assert_eq!(error.to_string(), "path: expected a string, found null");
/// # Ok::<(), tf_provider::ValueError>(())
/// ```
#[macro_export]
macro_rules! model {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(=> $plan:ident)? {
            $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty ),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$field_meta])* $field_vis $field: $type ),*
        }

        impl $crate::FromValue for $name {
            fn from_value(
                value: $crate::Value,
                path: &$crate::AttributePath,
            ) -> ::core::result::Result<Self, $crate::ValueError> {
                let mut object = <$crate::Object as $crate::FromValue>::from_value(value, path)?;
                ::core::result::Result::Ok(Self {
                    $( $field: {
                        let name = stringify!($field).trim_start_matches("r#");
                        $crate::FromValue::from_value(
                            object.remove(name).unwrap_or_default(),
                            &path.clone().attribute(name),
                        )?
                    } ),*
                })
            }

            fn reads() -> $crate::Reads {
                $crate::Reads::Fields(::std::vec![$( (
                    stringify!($field).trim_start_matches("r#"),
                    <$type as $crate::FromValue>::reads(),
                ) ),*])
            }
        }

        impl $crate::ToValue for $name {
            fn to_value(&self) -> $crate::Value {
                let mut object = $crate::Object::new();
                $( object.set(stringify!($field).trim_start_matches("r#"), &self.$field); )*
                $crate::Value::Object(object)
            }
        }

        $crate::__planned_model! {
            $(=> $plan)?;
            $(#[$meta])*
            $vis struct $name { $( $(#[$field_meta])* $field_vis $field: $type ),* }
        }
    )*};
}

/// The form of a model for plans, if it has a name.
#[doc(hidden)]
#[macro_export]
macro_rules! __planned_model {
    (; $($model:tt)*) => {};
    (
        => $plan:ident;
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty ),*
        }
    ) => {
        $crate::model! {
            $(#[$meta])*
            $vis struct $plan {
                $( $(#[$field_meta])* $field_vis $field: $crate::Field<<$type as $crate::Plannable>::Planned> ),*
            }
        }

        impl $crate::Plannable for $name {
            type Planned = $plan;
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::{AttributePath, Field, FromValue as _, Object, Reads, ToValue as _, Type, Value};

    model! {
        #[derive(Debug, PartialEq)]
        struct Inner { r#type: String }

        #[derive(Debug, PartialEq)]
        struct Outer { id: Field<String>, inner: Vec<Inner>, tags: Option<BTreeMap<String, String>>, ports: BTreeSet<u16> }
    }

    model! {
        #[derive(Clone, Debug, Default, PartialEq)]
        struct Rule => RulePlan { days: u32, labels: Option<Vec<String>> }

        #[derive(Clone, Debug, Default, PartialEq)]
        struct Trail => TrailPlan { id: Field<String>, rules: BTreeMap<String, Rule>, only: Option<Rule> }
    }

    #[test]
    fn form_for_plans_takes_unknowns_at_every_depth_and_has_the_same_names() {
        let labels = Value::List(vec![Value::Unknown, Value::from("a")]);
        let rule = Object::new()
            .with("days", Value::Unknown)
            .with("labels", labels);
        let rules = [
            ("x".to_owned(), Value::from(&rule)),
            ("y".to_owned(), Value::Unknown),
        ];
        let object = Object::new()
            .with("id", Value::Unknown)
            .with("rules", Value::Map(rules.into()))
            .with("only", Value::Null);
        let plan: TrailPlan = object.decode().unwrap();
        let labels = vec![Field::Unknown, Field::Known("a".to_owned())];
        let rule = RulePlan {
            days: Field::Unknown,
            labels: labels.into(),
        };
        let rules = [
            ("x".to_owned(), rule.into()),
            ("y".to_owned(), Field::Unknown),
        ];
        let expected = TrailPlan {
            id: Field::Unknown,
            rules: BTreeMap::from(rules).into(),
            only: Field::Null,
        };
        assert_eq!(plan, expected);
        assert_eq!(plan.to_value(), Value::Object(object));
        let names = |reads| {
            let Reads::Fields(fields) = reads else {
                return Vec::new();
            };
            fields.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(Trail::reads()), ["id", "rules", "only"]);
        assert_eq!(names(TrailPlan::reads()), names(Trail::reads()));
    }

    fn outer() -> Outer {
        Outer {
            id: Field::Unknown,
            inner: vec![Inner { r#type: "a".into() }],
            tags: None,
            ports: [80, 443].into(),
        }
    }

    #[test]
    fn models_read_back_what_they_wrote() {
        let value = outer().to_value();
        assert_eq!(
            Outer::from_value(value, &AttributePath::root()).unwrap(),
            outer()
        );
        assert_eq!(Inner::reads(), Reads::Fields(vec![("type", Reads::String)]));
    }

    #[test]
    fn an_error_deep_inside_has_the_whole_path() {
        let inner = Object::new().with("type", 3);
        let object = Object::new()
            .with("inner", vec![inner])
            .with("ports", vec![1]);
        let error = object.decode::<Outer>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "inner[0].type: expected a string, found a number"
        );
    }

    #[test]
    fn a_number_out_of_range_names_the_range() {
        let error = Object::new()
            .with("port", 65536)
            .get::<u16>("port")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "port: expected a whole number from 0 to 65535, found 65536"
        );
    }

    #[test]
    fn an_unknown_is_refused_where_only_known_will_do() {
        let object = Object::new().with("name", Value::Unknown);
        assert!(object.get::<Option<String>>("name").is_err());
        assert_eq!(object.get::<Field<String>>("name").unwrap(), Field::Unknown);
    }

    #[test]
    fn a_value_of_open_type_reads_as_what_it_is() {
        let typed = Value::Dynamic(Box::new((Type::String, Value::from("x"))));
        assert_eq!(
            Object::new()
                .with("any", typed)
                .get::<String>("any")
                .unwrap(),
            "x"
        );
    }
}
