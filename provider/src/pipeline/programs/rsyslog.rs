//! rsyslog: `imfile`, and `omrelp` or `omfwd` behind a disk queue. Each line is the message of one of RFC 5424, with its id as structured data.

use std::fmt::Write as _;

use super::super::program::{
    EVENT_ID, EVENT_ID_ELEMENT, Fixed, Follows, Plan, Program, Tunable, Way,
};

/// Longest line. With the header of the message, it fits the sealer's limit of 512 KiB.
const MAX_LINE: &str = "480k";

const RESUME: Tunable = Tunable {
    name: "action.resumeInterval",
    usual: 5,
    least: 1,
    most: 3600,
};

const BATCH: Tunable = Tunable {
    name: "queue.dequeueBatchSize",
    usual: 128,
    least: 1,
    most: 1024,
};

/// The messages that omrelp sends before it waits for an answer, as librelp has it too.
const WINDOW: Tunable = Tunable {
    name: "windowSize",
    usual: 128,
    least: 1,
    most: 1024,
};

const QUEUE_TYPE: Fixed = Fixed {
    name: "queue.type",
    value: "Disk",
    why: "a queue in memory does not survive a crash.",
};

const RETRIES: Fixed = Fixed {
    name: "action.resumeRetryCount",
    value: "-1",
    why: "after that many attempts, messages are dropped.",
};

const TIMEOUT: Fixed = Fixed {
    name: "queue.timeoutEnqueue",
    value: "2000000000",
    why: "a full queue drops messages after that many milliseconds.",
};

const SHUTDOWN: Fixed = Fixed {
    name: "queue.saveOnShutdown",
    value: "on",
    why: "a stop drops what is in the queue.",
};

const DISCARD: Fixed = Fixed {
    name: "queue.discardMark",
    value: "",
    why: "a queue that is nearly full drops messages.",
};

const SUBMIT: Fixed = Fixed {
    name: "maxSubmitAtOnce",
    value: "1",
    why: "rsyslog notes that it has read lines before it puts so many of them into the queue.",
};

const PERSIST: Fixed = Fixed {
    name: "persistStateInterval",
    value: "1",
    why: "rsyslog notes so seldom how far it has read, and reads lines twice after a crash.",
};

const FULL: &str = "A queue that stays full for 23 days drops a line, and another one every 23 days: rsyslog cannot wait for ever.";

const LONG_LINES: &str = "A line of more than 480 KiB is divided into several events.";

const TEXT: &str =
    "Each line is one text, in the field message: what is JSON in it stays inside of the text.";

const TWICE: &str = "After a crash of rsyslog or of the machine, the line that it was reading of each file may be read again and stored twice, with two ids. It may be the whole file: rsyslog empties its record of how far it has read before it writes the next one, and does not sync it.";

pub(super) const RELP: Program = Program {
    name: "rsyslog",
    title: "rsyslog 8.2302 or later with omrelp",
    tunable: &[RESUME, BATCH, WINDOW],
    fixed: &[
        QUEUE_TYPE, RETRIES, TIMEOUT, SHUTDOWN, DISCARD, SUBMIT, PERSIST,
    ],
    way: Way::Relp,
    follows: Follows::Files,
    limits: &[
        "A crash of rsyslog, or a stop while the sealer does not answer, can lose the last 128 messages: omrelp takes as many as windowSize out of the queue before they are answered. With windowSize = 1 it is one, and much slower.",
        TWICE,
        FULL,
        LONG_LINES,
        TEXT,
    ],
    render: render_relp,
};

pub(super) const TCP: Program = Program {
    name: "rsyslog-tcp",
    title: "rsyslog 8.2302 or later with omfwd",
    tunable: &[RESUME, BATCH],
    fixed: &[
        QUEUE_TYPE, RETRIES, TIMEOUT, SHUTDOWN, DISCARD, SUBMIT, PERSIST,
    ],
    way: Way::Tcp,
    follows: Follows::Files,
    limits: &[
        "Syslog over TCP has no acknowledgement: what was sent before a connection breaks, or before the sealer crashes, can be lost, and nobody learns of it. Use rsyslog with omrelp wherever you can.",
        TWICE,
        FULL,
        LONG_LINES,
        TEXT,
    ],
    render: render_tcp,
};

fn render_relp(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let mut action = format!(
        "    type=\"omrelp\" target=\"{}\" port=\"{}\" template=\"auditlog\"\n    timeout=\"90\" conn.timeout=\"10\" windowSize=\"{}\"\n",
        plan.url.host,
        plan.ports.relp,
        plan.setting("windowSize")
    );
    if let Some((certificate, key)) = plan.certificate {
        _ = write!(
            action,
            "    tls=\"on\" tls.caCert=\"{ca}\"\n    tls.myCert=\"{certificate}\" tls.myPrivKey=\"{key}\"\n    \
             tls.authMode=\"name\" tls.permittedPeer=[\"{host}\"]\n",
            ca = plan.ca_file.unwrap_or_default(),
            host = plan.url.host,
        );
    }
    let module = match plan.certificate {
        Some(_) => "module(load=\"omrelp\" tls.tlslib=\"openssl\")\n",
        None => "module(load=\"omrelp\")\n",
    };
    vec![("rsyslog.conf", file(plan, "", module, &action))]
}

fn render_tcp(plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let mut action = format!(
        "    type=\"omfwd\" target=\"{}\" port=\"{}\" protocol=\"tcp\" template=\"auditlog\"\n    # a line end in a message does not end it\n    TCP_Framing=\"octet-counted\"\n",
        plan.url.host, plan.ports.tcp
    );
    let mut global = String::new();
    if let Some((certificate, key)) = plan.certificate {
        _ = write!(
            global,
            "\n  defaultNetstreamDriverCAFile=\"{ca}\"\n  defaultNetstreamDriverCertFile=\"{certificate}\"\n  defaultNetstreamDriverKeyFile=\"{key}\"\n",
            ca = plan.ca_file.unwrap_or_default(),
        );
        _ = write!(
            action,
            "    streamDriver=\"gtls\" streamDriverMode=\"1\"\n    streamDriverAuthMode=\"x509/name\" streamDriverPermittedPeers=\"{}\"\n",
            plan.url.host,
        );
    }
    vec![("rsyslog.conf", file(plan, &global, "", &action))]
}

fn file(plan: &Plan<'_>, global: &str, module: &str, action: &str) -> String {
    let inputs: String = plan.paths.iter().map(|path| input(plan, path)).collect();
    format!(
        r#"{head}
global(
  workDirectory="{folder}"
  maxMessageSize="{MAX_LINE}"{global})
# with maxSubmitAtOnce below, a line is in the queue on the disk before it counts as read; a full queue stops the reading
main_queue(queue.type="Direct")
module(load="imfile" mode="inotify")
{module}
template(name="auditlog" type="string"
  string="<13>1 %timereported:::date-rfc3339% %hostname% {source} - - [{EVENT_ID_ELEMENT} {EVENT_ID}=\"%$!{EVENT_ID}%\"] %msg%")

# to send other messages too: call auditlog
ruleset(name="auditlog") {{
  # before the queue, so that the id stays when a message is sent again
  set $!{EVENT_ID} = $uuid;
  action(
{action}    action.resumeRetryCount="-1" action.resumeInterval="{resume}"
    queue.type="Disk" queue.filename="auditlog-{source}" queue.spoolDirectory="{folder}"
    queue.size="100000000" queue.maxDiskSpace="{megabytes}m" queue.timeoutEnqueue="2000000000"
    queue.dequeueBatchSize="{batch}" queue.saveOnShutdown="on" queue.timeoutShutdown="10000"
    queue.checkpointInterval="1" queue.syncQueueFiles="on"
  )
}}

{inputs}"#,
        head = plan.head(),
        folder = plan.folder,
        source = plan.source,
        module = module,
        resume = plan.setting("action.resumeInterval"),
        batch = plan.setting("queue.dequeueBatchSize"),
        megabytes = plan.buffer_megabytes,
    )
}

fn input(plan: &Plan<'_>, path: &str) -> String {
    format!(
        "input(type=\"imfile\" file=\"{path}\" tag=\"{}\" ruleset=\"auditlog\" maxSubmitAtOnce=\"1\" persistStateInterval=\"1\")\n",
        plan.source
    )
}
