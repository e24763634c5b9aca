//! The API server of Kubernetes: its audit webhook. It has no buffer on the disk, and each event has an id of its own.

use super::super::program::{Fixed, Follows, Plan, Program, Way};

pub(super) const PROGRAM: Program = Program {
    name: "kubernetes",
    title: "Kubernetes API server, audit.k8s.io/v1",
    tunable: &[],
    fixed: &[Fixed {
        name: "audit-webhook-mode",
        value: "blocking-strict",
        why: "in another mode, a request is carried out although its event was not sent.",
    }],
    way: Way::TokenFile,
    follows: Follows::Itself,
    limits: &[
        "The API server has no buffer on the disk. While the sealer does not answer, each request that is audited fails, if its policy does not omit the stage RequestReceived.",
        "The event of the end of a request is dropped after 5 attempts, when the request was carried out already. Its beginning is in the log. Set an alarm for apiserver_audit_error_total.",
        "An event of more than 1 MiB is refused, and so dropped: set --audit-webhook-truncate-enabled, which leaves requests and answers out of such an event, where they are audited.",
    ],
    render,
};

fn render(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let authority = plan
        .ca_file
        .map(|file| format!("      certificate-authority: \"{file}\"\n"));
    let text = format!(
        r#"{head}
# Start the API server with this file, and with a policy of what is audited:
#   --audit-webhook-config-file=/etc/kubernetes/auditlog/audit-webhook.yaml
#   --audit-webhook-mode=blocking-strict
#   --audit-webhook-truncate-enabled
#   --audit-webhook-truncate-max-event-size=524288
#   --audit-policy-file=/etc/kubernetes/audit-policy.yaml
# The sealer knows an event again by its auditID, and stores it once.
apiVersion: v1
kind: Config
clusters:
  - name: auditlog
    cluster:
      server: "{server}"
{authority}users:
  - name: api-server
    user:
      # the token of this source
      tokenFile: "/etc/kubernetes/auditlog/{source}.token"
contexts:
  - name: auditlog
    context:
      cluster: auditlog
      user: api-server
current-context: auditlog
"#,
        head = plan.head(),
        server = plan.url.kubernetes(),
        authority = authority.unwrap_or_default(),
        source = plan.source,
    );
    vec![("audit-webhook.yaml", text)]
}
