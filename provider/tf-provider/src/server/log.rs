//! The log, in the form that Terraform reads from a provider's stderr: hclog's JSON, a line an event.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends what `tracing` has to say to stderr, and panics with it.
pub(super) fn start(environment: impl Fn(&str) -> Option<String>) {
    let filter = filter(level(environment));
    // It can have been set before only by the provider's own main, which then wants its own log.
    if tracing_subscriber::registry()
        .with(Hclog.with_filter(filter))
        .try_init()
        .is_ok()
    {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panic")));
    }
}

/// `TF_LOG_PROVIDER` takes precedence over `TF_LOG`. Without either, only errors are logged.
fn level(environment: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let Some(level) = set("TF_LOG_PROVIDER").or_else(|| set("TF_LOG")) else {
        return LevelFilter::WARN;
    };
    match level.to_ascii_uppercase().as_str() {
        "TRACE" | "JSON" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        _ => LevelFilter::WARN,
    }
}

/// The frames and handshakes of the transport would drown everything else.
fn filter(level: LevelFilter) -> Targets {
    let transport = [
        "h2",
        "hyper",
        "hyper_util",
        "rustls",
        "tokio_rustls",
        "tonic",
        "tower",
    ];
    let targets = Targets::new().with_default(level);
    targets.with_targets(transport.map(|target| (target, level.min(LevelFilter::WARN))))
}

struct Hclog;

impl<S: Subscriber> Layer<S> for Hclog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = line(event, jiff::Timestamp::now());
        // With stderr gone there is nobody to tell.
        drop(std::io::stderr().lock().write_all(line.as_bytes()));
    }
}

fn line(event: &Event<'_>, now: jiff::Timestamp) -> String {
    let mut fields = Fields(Map::new());
    event.record(&mut fields);
    let mut object = fields.0;
    let message = text(object.remove("message"));
    object.insert("@message".to_owned(), message.into());
    object.insert("@level".to_owned(), name(*event.metadata().level()).into());
    object.insert(
        "@module".to_owned(),
        event.metadata().target().replace("::", ".").into(),
    );
    object.insert("@timestamp".to_owned(), format!("{now:.6}").into());
    format!("{}\n", Json::Object(object))
}

/// Terraform itself panics where the message is missing or is not a string, and events need not have one.
fn text(message: Option<Json>) -> String {
    match message {
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

struct Fields(Map<String, Json>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Json>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    fn set(variable: &'static str, value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name| (name == variable).then(|| value.to_owned())
    }

    #[test]
    fn the_level_is_the_one_that_terraform_was_given() {
        assert_eq!(level(|_| None), LevelFilter::WARN);
        assert_eq!(level(set("TF_LOG", "debug")), LevelFilter::DEBUG);
        assert_eq!(level(set("TF_LOG", "JSON")), LevelFilter::TRACE);
        assert_eq!(
            level(|name| Some(if name == "TF_LOG" { "trace" } else { "off" }.to_owned())),
            LevelFilter::OFF
        );
    }

    struct Capture(Arc<Mutex<String>>);

    impl<S: Subscriber> Layer<S> for Capture {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0
                .lock()
                .unwrap()
                .push_str(&line(event, "2026-01-02T03:04:05.5Z".parse().unwrap()));
        }
    }

    #[test]
    fn an_event_is_one_line_of_hclog_with_its_fields() {
        let lines = Arc::new(Mutex::new(String::new()));
        let subscriber = tracing_subscriber::registry().with(Capture(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "a::b", count = 3, name = "x\ny", "made {}", "it");
        });
        assert_eq!(
            *lines.lock().unwrap(),
            concat!(
                r#"{"@level":"info","@message":"made it","@module":"a.b","#,
                r#""@timestamp":"2026-01-02T03:04:05.500000Z","count":3,"name":"x\ny"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_event_always_has_a_message_that_is_a_string() {
        let lines = Arc::new(Mutex::new(String::new()));
        let subscriber = tracing_subscriber::registry().with(Capture(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "a", count = 3);
            tracing::debug!(target: "a", message = 3);
        });
        let lines = lines.lock().unwrap();
        let messages = lines.lines().map(|line| {
            let line: Json = serde_json::from_str(line).unwrap();
            line["@message"].as_str().map(str::to_owned)
        });
        let found: Vec<_> = messages.collect();
        assert_eq!(found, [Some(String::new()), Some("3".to_owned())]);
    }
}
