//! Arguments and attributes in Markdown, as the registry shows those of other providers.

use crate::schema::{Attribute, Block, Fields, Nested, Nesting, Rule, Shape, Source};
use crate::{AttributePath, Type, Value};

/// All arguments and attributes; what is nested has a section of its own.
pub(super) fn schema(fields: &Fields) -> String {
    let mut text = format!("## Schema\n{}", rules(fields));
    let groups = grouped(fields, &[]).into_iter();
    text.extend(groups.map(|(group, lines)| format!("\n### {group}\n\n{lines}")));
    text.extend(nested_sections(fields, &[]));
    text
}

/// The attributes and blocks without a description, at any depth.
pub(super) fn undescribed(fields: &Fields, path: &AttributePath, found: &mut Vec<String>) {
    for (name, attribute) in &fields.attributes {
        let path = path.clone().attribute(name);
        if attribute.description.is_empty() {
            found.push(path.to_string());
        }
        if let Shape::Nested(nested) = &attribute.shape {
            undescribed(&nested.fields, &path, found);
        }
    }
    for (name, block) in &fields.blocks {
        let path = path.clone().attribute(name);
        if block.description.is_empty() {
            found.push(path.to_string());
        }
        undescribed(&block.fields, &path, found);
    }
}

/// The type in words: `List of String`.
pub(super) fn type_name(ty: &Type) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Object(_) => "Object".to_owned(),
        Type::Tuple(_) => "Tuple".to_owned(),
    }
}

/// The rules of an object as a paragraph.
fn rules(fields: &Fields) -> String {
    let rules = fields.rules.iter().map(Rule::sentence);
    let sentences: Vec<_> = rules.collect();
    if sentences.is_empty() {
        String::new()
    } else {
        format!("\n{}\n", sentences.join(" "))
    }
}

/// Who sets a value: what the sections of a schema are named by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

impl Group {
    const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::ReadOnly];

    fn of_attribute(attribute: &Attribute) -> Self {
        match attribute.source {
            Source::Required => Self::Required,
            Source::Optional | Source::OptionalComputed => Self::Optional,
            Source::Computed => Self::ReadOnly,
        }
    }

    fn of_block(block: &Block) -> Self {
        if block.at_least > 0 {
            Self::Required
        } else {
            Self::Optional
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Required => "Required",
            Self::Optional => "Optional",
            Self::ReadOnly => "Read-Only",
        }
    }
}

/// The lines of each group that has any.
fn grouped(fields: &Fields, path: &[&str]) -> Vec<(&'static str, String)> {
    let groups = Group::ALL.into_iter().map(|group| {
        let attributes = fields.attributes.iter();
        let attributes = attributes
            .filter(|(_, attribute)| Group::of_attribute(attribute) == group)
            .map(|(name, attribute)| (name, attribute_line(name, attribute, path)));
        let blocks = fields.blocks.iter();
        let blocks = blocks
            .filter(|(_, block)| Group::of_block(block) == group)
            .map(|(name, block)| (name, block_line(name, block, path)));
        let mut lines: Vec<_> = attributes.chain(blocks).collect();
        lines.sort();
        let lines: String = lines.into_iter().map(|(_, line)| line).collect();
        (group.title(), lines)
    });
    groups.filter(|(_, lines)| !lines.is_empty()).collect()
}

fn attribute_line(name: &str, attribute: &Attribute, path: &[&str]) -> String {
    let mut notes = vec![match &attribute.shape {
        Shape::Type(ty) => type_name(ty),
        Shape::Nested(nested) => arranged("Attributes", nested.nesting),
    }];
    notes.extend(
        attribute
            .plan
            .default
            .iter()
            .map(|value| format!("Default: `{}`", written(value))),
    );
    let flags = [
        (attribute.plan.requires_replace, "Forces replacement"),
        (attribute.sensitive, "Sensitive"),
        (attribute.write_only, "Write-only"),
        (attribute.deprecated.is_some(), "Deprecated"),
    ];
    notes.extend(
        flags
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, note)| note.to_owned()),
    );
    let below = match &attribute.shape {
        Shape::Type(_) => String::new(),
        Shape::Nested(_) => below(ATTRIBUTE, path, name),
    };
    let described = described(&attribute.description, attribute.deprecated.as_deref());
    format!("- `{name}` ({}){described}{below}\n", notes.join(", "))
}

fn block_line(name: &str, block: &Block, path: &[&str]) -> String {
    let mut notes = vec![arranged("Block", block.nesting)];
    let limits = [("Min", block.at_least), ("Max", block.at_most)];
    notes.extend(
        limits
            .into_iter()
            .filter(|(_, limit)| *limit > 0)
            .map(|(name, limit)| format!("{name}: {limit}")),
    );
    if block.deprecated.is_some() {
        notes.push("Deprecated".to_owned());
    }
    let described = described(&block.description, block.deprecated.as_deref());
    let below = below(BLOCK, path, name);
    format!("- `{name}` ({}){described}{below}\n", notes.join(", "))
}

fn described(description: &str, deprecated: Option<&str>) -> String {
    let texts = [Some(description), deprecated].into_iter().flatten();
    texts.flat_map(|text| [" ", text]).collect()
}

fn arranged(what: &str, nesting: Nesting) -> String {
    match nesting {
        Nesting::Single => what.to_owned(),
        Nesting::List => format!("{what} List"),
        Nesting::Set => format!("{what} Set"),
        Nesting::Map => format!("{what} Map"),
    }
}

/// What the anchors of nested sections begin with.
const ATTRIBUTE: &str = "nestedatt";
const BLOCK: &str = "nestedblock";

fn anchor(kind: &str, path: &[&str], name: &str) -> String {
    let mut parts = vec![kind];
    parts.extend(path);
    parts.push(name);
    parts.join("--")
}

fn below(kind: &str, path: &[&str], name: &str) -> String {
    let anchor = anchor(kind, path, name);
    format!(" (see [below for nested schema](#{anchor}))")
}

/// The sections of all that is nested, each followed by those of what is nested in it.
fn nested_sections(fields: &Fields, path: &[&str]) -> Vec<String> {
    let attributes = fields.attributes.iter().filter_map(|(name, attribute)| {
        let Shape::Nested(Nested { fields, .. }) = &attribute.shape else {
            return None;
        };
        Some(nested_section(ATTRIBUTE, fields, path, name))
    });
    let blocks = fields.blocks.iter();
    let blocks = blocks.map(|(name, block)| nested_section(BLOCK, &block.fields, path, name));
    attributes.chain(blocks).collect()
}

fn nested_section(kind: &str, fields: &Fields, path: &[&str], name: &str) -> String {
    let inside: Vec<_> = path.iter().copied().chain([name]).collect();
    let (anchor, title) = (anchor(kind, path, name), inside.join("."));
    let rules = rules(fields);
    let mut text = format!("\n<a id=\"{anchor}\"></a>\n### Nested Schema for `{title}`\n{rules}");
    let groups = grouped(fields, &inside).into_iter();
    text.extend(groups.map(|(group, lines)| format!("\n{group}:\n\n{lines}")));
    text.extend(nested_sections(fields, &inside));
    text
}

/// A value as a configuration would have it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Unknown => "(known after apply)".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(elements) | Value::Tuple(elements) => row(elements.iter()),
        Value::Set(elements) => row(elements.iter()),
        Value::Map(elements) => named(elements.iter()),
        Value::Object(object) => named(object.iter()),
        Value::Dynamic(typed) => written(&typed.1),
    }
}

fn row<'a>(elements: impl Iterator<Item = &'a Value>) -> String {
    let elements: Vec<_> = elements.map(written).collect();
    format!("[{}]", elements.join(", "))
}

fn named<'a>(elements: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let elements = elements.map(|(name, value)| format!("{name} = {}", written(value)));
    let elements: Vec<_> = elements.collect();
    if elements.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", elements.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Object;

    fn text(description: &str) -> Attribute {
        Attribute::optional(Type::String).description(description)
    }

    #[test]
    fn every_attribute_is_in_its_group_with_what_the_schema_says_of_it() {
        let lock = Fields::new()
            .attribute(
                "days",
                Attribute::optional(Type::Number).description("Days."),
            )
            .attribute(
                "years",
                Attribute::optional(Type::Number).description("Years."),
            )
            .exactly_one_of(["days", "years"]);
        let log = Fields::new().attribute(
            "lock",
            Attribute::optional(Nested::single(lock.clone())).description("Own lock."),
        );
        let tags = Attribute::optional(Type::map(Type::String)).default(Object::new());
        let fields = Fields::new()
            .attribute(
                "name",
                Attribute::required(Type::String)
                    .description("Name.")
                    .requires_replace(),
            )
            .attribute("mode", text("Mode.").default("0644"))
            .attribute("tags", tags.description("Tags."))
            .attribute("key", text("Key.").sensitive().deprecated("Use `role`."))
            .attribute(
                "id",
                Attribute::computed(Type::list(Type::Number)).description("Ids."),
            )
            .attribute(
                "logs",
                Attribute::optional(Nested::map(log)).description("Logs."),
            )
            .block(
                "lock",
                Block::list(lock)
                    .at_least(1)
                    .at_most(2)
                    .description("Locks."),
            )
            .required_with("key", ["mode"]);
        assert_eq!(schema(&fields), EXPECTED);
    }

    const EXPECTED: &str = r#"## Schema

`key` also needs `mode`.

### Required

- `lock` (Block List, Min: 1, Max: 2) Locks. (see [below for nested schema](#nestedblock--lock))
- `name` (String, Forces replacement) Name.

### Optional

- `key` (String, Sensitive, Deprecated) Key. Use `role`.
- `logs` (Attributes Map) Logs. (see [below for nested schema](#nestedatt--logs))
- `mode` (String, Default: `"0644"`) Mode.
- `tags` (Map of String, Default: `{}`) Tags.

### Read-Only

- `id` (List of Number) Ids.

<a id="nestedatt--logs"></a>
### Nested Schema for `logs`

Optional:

- `lock` (Attributes) Own lock. (see [below for nested schema](#nestedatt--logs--lock))

<a id="nestedatt--logs--lock"></a>
### Nested Schema for `logs.lock`

Set exactly one of `days` and `years`.

Optional:

- `days` (Number) Days.
- `years` (Number) Years.

<a id="nestedblock--lock"></a>
### Nested Schema for `lock`

Set exactly one of `days` and `years`.

Optional:

- `days` (Number) Days.
- `years` (Number) Years.
"#;
}
