//! hoop: webhooks that Svix delivers and signs. What is rendered is for the person who adds the endpoint there.

use super::super::program::{Follows, Plan, Program, Way};

pub(super) const PROGRAM: Program = Program {
    name: "hoop",
    title: "hoop, by webhooks of Svix",
    tunable: &[],
    fixed: &[],
    way: Way::Webhook,
    follows: Follows::Itself,
    limits: &[
        "hoop hands a message to Svix once, and only logs where that fails. Compare the log with hoop's own list of sessions from time to time.",
        "Svix tries for about 28 hours, and turns an endpoint off that fails for days. Watch the endpoint in Svix.",
        "hoop cuts the input of a session in the event, and says so in is_input_truncated.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let text = format!(
        r"{head}
# Add this endpoint to hoop's webhooks, with at least these events. Write its secret (whsec_...) to tokens/{source} on the sealer's machine.
# The sealer knows a message again by its svix-id, and stores it once.
endpoint: {url}
events: session.open, session.close
",
        head = plan.head(),
        source = plan.source,
        url = plan.url.webhook(),
    );
    vec![("hoop.txt", text)]
}
