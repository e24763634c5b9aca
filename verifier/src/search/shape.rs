//! What an event is about, where it has a shape that is widely used: when, who, what, on what, and how it ended.
//!
//! For people who look at an entry. Nothing of it is verified, and an event of another shape is shown as it is.

use auditlog_chain::timestamp::Timestamp;
use serde::Deserialize;

use super::pointer::Pointer;

/// An event in a known shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The name of the shape.
    pub shape: &'static str,
    /// What was found of it: the label, and the value as text.
    pub parts: Vec<(&'static str, String)>,
}

/// A shape: the places that an event of it always has, and where its parts may be, the best place first.
///
/// A mark may name several places, with `|` between them: one of them is enough. A place is a JSON pointer. `POINTER?KEY` is the attribute with that key in a list of OpenTelemetry's attributes.
struct Shape {
    name: &'static str,
    marks: &'static [&'static str],
    parts: [&'static [&'static str]; 5],
}

const LABELS: [&str; 5] = ["time", "actor", "action", "resource", "outcome"];

const SHAPES: [Shape; 9] = [
    Shape {
        name: "AWS CloudTrail",
        marks: &["/eventVersion", "/eventSource", "/eventName"],
        parts: [
            &["/eventTime"],
            &[
                "/userIdentity/arn",
                "/userIdentity/userName",
                "/userIdentity/invokedBy",
                "/userIdentity/principalId",
            ],
            &["/eventName"],
            &[
                "/resources/0/ARN",
                "/requestParameters/bucketName",
                "/eventSource",
            ],
            &["/errorCode", "/responseElements/ConsoleLogin"],
        ],
    },
    Shape {
        name: "Kubernetes audit",
        marks: &["/auditID", "/verb", "/stage"],
        parts: [
            &["/requestReceivedTimestamp", "/stageTimestamp"],
            &["/user/username"],
            &["/verb"],
            &["/requestURI", "/objectRef/name"],
            &["/responseStatus/code"],
        ],
    },
    Shape {
        name: "OCSF",
        marks: &["/class_uid", "/metadata/version"],
        parts: [
            &["/time_dt", "/time"],
            &[
                "/actor/user/name",
                "/actor/user/uid",
                "/user/name",
                "/actor/process/name",
            ],
            &["/activity_name", "/type_name", "/class_name"],
            &[
                "/resources/0/name",
                "/resources/0/uid",
                "/resource/name",
                "/resource/uid",
                "/dst_endpoint/hostname",
            ],
            &["/status", "/status_id"],
        ],
    },
    Shape {
        name: "Elastic Common Schema",
        marks: &["/@timestamp", "/ecs/version"],
        parts: [
            &["/@timestamp"],
            &["/user/name", "/user/id", "/user/email"],
            &["/event/action", "/event/type/0"],
            &["/url/full", "/file/path", "/url/path", "/host/name"],
            &["/event/outcome"],
        ],
    },
    Shape {
        name: "Elastic Common Schema",
        marks: &["/@timestamp", "/ecs.version"],
        parts: [
            &["/@timestamp"],
            &["/user.name", "/user.id", "/user.email"],
            &["/event.action", "/event.type"],
            &["/url.full", "/file.path", "/url.path", "/host.name"],
            &["/event.outcome"],
        ],
    },
    Shape {
        name: "CloudEvents",
        marks: &["/specversion", "/id", "/source", "/type"],
        parts: [
            &["/time"],
            &["/data/actor", "/data/user", "/source"],
            &["/type"],
            &["/subject"],
            &["/data/outcome", "/data/result", "/data/status"],
        ],
    },
    Shape {
        name: "OpenTelemetry",
        marks: &["/logRecord/timeUnixNano|/logRecord/observedTimeUnixNano"],
        parts: [
            &["/logRecord/timeUnixNano", "/logRecord/observedTimeUnixNano"],
            &[
                "/logRecord/attributes?user.name",
                "/logRecord/attributes?user.id",
                "/logRecord/attributes?user.email",
                "/logRecord/attributes?enduser.id",
                "/resource/attributes?service.name",
            ],
            &[
                "/logRecord/eventName",
                "/logRecord/attributes?event.name",
                "/logRecord/attributes?event.action",
                "/logRecord/body/stringValue",
            ],
            &[
                "/logRecord/attributes?url.full",
                "/logRecord/attributes?url.path",
                "/logRecord/attributes?file.path",
                "/logRecord/attributes?db.namespace",
                "/logRecord/attributes?server.address",
                "/resource/attributes?service.name",
            ],
            &[
                "/logRecord/attributes?event.outcome",
                "/logRecord/attributes?http.response.status_code",
                "/logRecord/attributes?error.type",
                "/logRecord/severityText",
            ],
        ],
    },
    Shape {
        name: "hoop",
        marks: &["/event_type", "/id", "/connection", "/connection_type"],
        parts: [
            &[],
            &["/user_email", "/user_id"],
            &["/event_type"],
            &["/connection"],
            &["/review/status"],
        ],
    },
    Shape {
        name: "hoop",
        marks: &["/event_type", "/id", "/exit_code"],
        parts: [
            &[],
            &[],
            &["/event_type"],
            &["/id"],
            &["/exit_err", "/exit_code"],
        ],
    },
];

/// Where senders put a line that they read, as a text. It may be an event itself.
const LINES: [&str; 2] = ["/message", "/logRecord/body/stringValue"];

/// What an event is about; `None` where its shape is not known. Where a sender has put it into a text, that counts.
pub fn summary(json: &str) -> Option<Summary> {
    let mut lines = LINES.iter().filter_map(|place| text_at(json, place));
    let within = lines.find_map(|line| of_event(&line));
    within.or_else(|| of_event(json))
}

fn of_event(json: &str) -> Option<Summary> {
    let shape = SHAPES
        .iter()
        .find(|shape| shape.marks.iter().all(|mark| has_mark(json, mark)))?;
    let part = |(label, places): (&'static str, &&[&str])| {
        let mut values = places.iter().filter_map(|place| text_at(json, place));
        // OpenTelemetry's 0 is a time that is not known.
        let value = values.find(|value| label != "time" || value != "0")?;
        Some((label, if label == "time" { time(value) } else { value }))
    };
    Some(Summary {
        shape: shape.name,
        parts: LABELS
            .into_iter()
            .zip(&shape.parts)
            .filter_map(part)
            .collect(),
    })
}

fn has_mark(json: &str, mark: &str) -> bool {
    mark.split('|').any(|place| text_at(json, place).is_some())
}

/// A count of milliseconds, microseconds or nanoseconds since 1970 with the time that it is. Which one it is shows by its size.
fn time(value: String) -> String {
    let Ok(count) = value.parse::<i64>() else {
        return value;
    };
    let micros = match count {
        100_000_000_000..100_000_000_000_000 => count.checked_mul(1_000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(count),
        100_000_000_000_000_000.. => count.checked_div(1_000),
        _ => None,
    };
    match micros.and_then(Timestamp::from_micros) {
        Some(time) => format!("{} ({value})", time.to_rfc3339()),
        None => value,
    }
}

/// One of OpenTelemetry's attributes. Its value is an object with one member, named after its type, and may be absent or empty.
#[derive(Deserialize)]
struct Attribute {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: serde_json::Value,
}

fn attribute(list: &str, key: &str) -> Option<String> {
    let list: Vec<Attribute> = serde_json::from_str(list).ok()?;
    let found = list.into_iter().find(|one| one.key == key)?;
    let members = found.value.as_object()?;
    members.values().find_map(|value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(is) => Some(is.to_string()),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            None
        }
    })
}

/// A string by its characters, any other scalar by its JSON text.
fn text_at(json: &str, place: &str) -> Option<String> {
    if let Some((list, key)) = place.split_once('?') {
        return attribute(&Pointer::parse(list)?.first_at(json)?, key);
    }
    let value = Pointer::parse(place)?.first_at(json)?;
    if value.starts_with('"') {
        return serde_json::from_str(&value).ok();
    }
    (!value.starts_with(['{', '[']) && value != "null").then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(json: &str, shape: &str, parts: &[&str]) {
        let found = summary(json).unwrap();
        assert_eq!(found.shape, shape);
        let texts: Vec<String> = found
            .parts
            .iter()
            .map(|(label, text)| format!("{label}={text}"))
            .collect();
        assert_eq!(texts, parts);
    }

    #[test]
    fn widely_used_shapes_are_recognised() {
        shown(
            r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ada"},"eventTime":"2026-11-22T19:00:00Z",
                "eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","errorCode":"AccessDenied","requestParameters":{"bucketName":"b"}}"#,
            "AWS CloudTrail",
            &[
                "time=2026-11-22T19:00:00Z",
                "actor=arn:aws:iam::1:user/ada",
                "action=DeleteBucket",
                "resource=b",
                "outcome=AccessDenied",
            ],
        );
        shown(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"x","stage":"ResponseComplete","requestURI":"/api/v1/pods/p","verb":"delete",
                "user":{"username":"ada"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-22T19:00:00.000000Z"}"#,
            "Kubernetes audit",
            &[
                "time=2026-11-22T19:00:00.000000Z",
                "actor=ada",
                "action=delete",
                "resource=/api/v1/pods/p",
                "outcome=200",
            ],
        );
        shown(
            r#"{"class_uid":3002,"class_name":"Authentication","activity_name":"Logon","metadata":{"version":"1.6.0"},"time":1,
                "actor":{"user":{"name":"ada"}},"dst_endpoint":{"hostname":"db"},"status":"Failure"}"#,
            "OCSF",
            &[
                "time=1",
                "actor=ada",
                "action=Logon",
                "resource=db",
                "outcome=Failure",
            ],
        );
        let nested = r#"{"@timestamp":"t","ecs":{"version":"9"},"user":{"name":"ada"},"event":{"action":"login","outcome":"success"},"host":{"name":"h"}}"#;
        let dotted = r#"{"@timestamp":"t","ecs.version":"9","user.name":"ada","event.action":"login","event.outcome":"success","host.name":"h"}"#;
        for json in [nested, dotted] {
            shown(
                json,
                "Elastic Common Schema",
                &[
                    "time=t",
                    "actor=ada",
                    "action=login",
                    "resource=h",
                    "outcome=success",
                ],
            );
        }
        shown(
            r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.paid","subject":"order/7","data":null}"#,
            "CloudEvents",
            &["actor=/shop", "action=order.paid", "resource=order/7"],
        );
    }

    #[test]
    fn attributes_of_opentelemetry_are_found_by_their_key() {
        shown(
            r#"{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"logRecord":{"timeUnixNano":"1795460400123456789",
                "severityText":"INFO","body":{"stringValue":"approved"},
                "attributes":[{"key":"n","value":{"arrayValue":{"values":[]}}},{"key":"http.response.status_code","value":{"intValue":"403"}}]}}"#,
            "OpenTelemetry",
            &[
                "time=2026-11-23T19:00:00.123456Z (1795460400123456789)",
                "actor=shop",
                "action=approved",
                "resource=shop",
                "outcome=403",
            ],
        );
        for attributes in [
            "1",
            "[1]",
            r#"[{"key":"user.name"}]"#,
            r#"[{"key":"user.name","value":{"stringValue":null}}]"#,
        ] {
            let json =
                format!(r#"{{"logRecord":{{"timeUnixNano":"1","attributes":{attributes}}}}}"#);
            shown(&json, "OpenTelemetry", &["time=1"]);
        }
    }

    #[test]
    fn event_in_the_text_of_a_sender_is_the_one_that_is_shown() {
        let event =
            r#"{"specversion":"1.0","id":"1","source":"/shop","type":"paid","subject":"order/7"}"#;
        let text = serde_json::to_string(event).unwrap();
        let parts = ["actor=/shop", "action=paid", "resource=order/7"];
        for json in [
            format!(r#"{{"@timestamp":"t","ecs":{{"version":"8"}},"message":{text}}}"#),
            format!(r#"{{"logRecord":{{"timeUnixNano":"1","body":{{"stringValue":{text}}}}}}}"#),
            format!(r#"{{"auditlog_event_id":"1","message":{text}}}"#),
        ] {
            shown(&json, "CloudEvents", &parts);
        }
        let json = r#"{"@timestamp":"t","ecs":{"version":"8"},"message":"{\"specversion\":"}"#;
        shown(json, "Elastic Common Schema", &["time=t"]);
        assert_eq!(summary(r#"{"message":"{\"message\":\"{}\"}"}"#), None);
    }

    /// The format lets a value be left out, and a time be 0 or left out where the source has none.
    #[test]
    fn an_attribute_without_a_value_hides_no_other_and_the_time_of_observation_is_enough() {
        let attributes = r#"[{"key":"empty"},{"key":"null","value":null},{"value":{"stringValue":"x"}},{"key":"nothing","value":{}},
            {"key":"user.name","value":{"stringValue":"ada"}}]"#;
        for time in ["", r#""timeUnixNano":"0","#, r#""timeUnixNano":0,"#] {
            let json = format!(
                r#"{{"logRecord":{{{time}"observedTimeUnixNano":"1795460400123456789","attributes":{attributes}}}}}"#
            );
            shown(
                &json,
                "OpenTelemetry",
                &[
                    "time=2026-11-23T19:00:00.123456Z (1795460400123456789)",
                    "actor=ada",
                ],
            );
        }
        assert_eq!(summary(r#"{"logRecord":{"severityText":"INFO"}}"#), None);
    }

    #[test]
    fn an_event_of_another_shape_has_no_summary() {
        for json in [
            "{}",
            "[1]",
            "\"text\"",
            "1",
            r#"{"user":"ada","action":"login"}"#,
            r#"{"eventName":"x"}"#,
            r#"{"event_type":"session.open","id":"1"}"#,
            r#"{"logRecord":{}}"#,
        ] {
            assert_eq!(summary(json), None, "{json}");
        }
    }
}
