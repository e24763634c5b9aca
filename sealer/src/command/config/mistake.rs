//! What is wrong with the text of a configuration, without the values that it has: they may be secrets.

/// What a message of the parser says of a mistake at this byte.
pub(super) fn of(text: &str, at: usize, message: &str) -> String {
    let Some(reason) = without_value(message) else {
        return message.to_owned();
    };
    let way = match key_at(text, at) {
        "shared_key" => "shared_key = { file = … } or { env = … }",
        "token" => "[[http.token]] has a source, and the secret in a file or an env",
        "webhook" => "[[http.webhook]] has a source, and the secret in a file or an env",
        "user" => "a user is a table with a name, and the password in a file or an env",
        _ => return reason,
    };
    format!("{reason}: {way}")
}

/// The message, where it has a value: without it.
fn without_value(message: &str) -> Option<String> {
    let is_of_a_value = |start: &&str| message.starts_with(*start);
    let start = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find(is_of_a_value)?;
    let (found, expected) = message.strip_prefix(start)?.rsplit_once(", expected ")?;
    let kind: &str = found.split(['"', '`']).next().unwrap_or_default();
    let expected = match expected {
        "struct SecretFrom" | "struct TokenFrom" | "struct UserFrom" | "struct WebhookFrom" => {
            "a table"
        }
        other => other,
    };
    Some(format!("{start}{}, expected {expected}", kind.trim_end()))
}

/// The key of the line that has this byte.
fn key_at(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = line.rsplit('=').nth(1).unwrap_or_default();
    key.trim()
        .rsplit([' ', '{', ',', '.'])
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        let error = toml::from_str::<crate::command::config::Config>(text).unwrap_err();
        let at = error.span().map_or(0, |span| span.start);
        of(text, at, error.message())
    }

    #[test]
    fn value_that_may_be_a_secret_is_in_no_message() {
        let listen = "listen = \"127.0.0.1:1\"";
        for (text, expected) in [
            (
                format!("logs = []\n[[forward]]\n{listen}\nshared_key = \"s3cret, expected 1\""),
                "invalid type: string, expected a table: shared_key = { file = … } or { env = … }",
            ),
            (
                format!("logs = []\nforward = [{{ {listen}, shared_key = 's3cret\" \"' }}]"),
                "invalid type: string, expected a table: shared_key = { file = … } or { env = … }",
            ),
            (
                format!("logs = []\n[[http]]\n{listen}\ntoken = \"s3cret\""),
                "invalid type: string, expected a sequence: [[http.token]] has a source, and the secret in a file or an env",
            ),
            (
                format!("logs = []\n[[http]]\n{listen}\nwebhook = \"whsec_s3cret\""),
                "invalid type: string, expected a sequence: [[http.webhook]] has a source, and the secret in a file or an env",
            ),
            (
                format!("logs = []\n[[http]]\n{listen}\ntoken = [\n\"s3cret\"]"),
                "invalid type: string, expected a table",
            ),
            (
                format!("logs = []\n[[http]]\n{listen}\nuser = \"s3cret\""),
                "invalid type: string, expected a sequence: a user is a table with a name, and the password in a file or an env",
            ),
            (
                "logs = 3".to_owned(),
                "invalid type: integer, expected a sequence",
            ),
        ] {
            assert_eq!(reason(&text), expected, "{text}");
        }
    }
}
