// Sends events with @fluent-org/logger, each until it is acknowledged: fluent_org_logger.mjs PORT KEY MODE FIRST COUNT. One line
// of standard output for each acknowledgement.
import { createRequire } from "node:module";

const { FluentClient, EventTime } = createRequire(process.env.SENDERS + "/")("@fluent-org/logger");
const [port, key, mode, first, count] = process.argv.slice(2);

function client() {
  return new FluentClient("app", {
    eventMode: mode,
    socket: { host: "127.0.0.1", port: Number(port), timeout: 2000 },
    security: { clientHostname: "sender.example", sharedKey: key },
    ack: { ackTimeout: 5000 },
    flushInterval: 0,
  });
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let current = client();
for (let n = Number(first); n < Number(first) + Number(count); n++) {
  const time = EventTime.now();
  for (;;) {
    try {
      await current.emit("login", { n, user: "ada" }, time);
      console.log(n);
      break;
    } catch {
      current.disconnect().catch(() => {});
      await pause(50);
      current = client();
    }
  }
}
await current.disconnect();
process.exit(0);
