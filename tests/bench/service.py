#!/usr/bin/env python3
"""service.py FOLDER: what the service takes in and how soon it acknowledges, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with auditlog-seal, auditlog-verify and examples/load in it. `load` sends over loopback and shares
the cores with the service, so its part of the processor time is printed. The log is in a folder on the same disk as the spool: segments are
compressed, signed and stored while events come in. After each run the service ends, and the verifier must find every event.
The best of a few runs counts, since what else the machine does only ever takes away.

Beside `append` is what people pipe events through: `jq -c . | zstd | sha256sum`, over the same file, in turn. What Fluentd and Fluent Bit
take in on two cores is quoted, not measured here. Times of a debug build say nothing, so for target/debug the figures are printed and not judged.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

FORWARD_BYTES, HTTP_BYTES = 235, 1024
PER_SECOND, TLS_SHARE = 350_000, 2 / 3
STEADY, STEADY_P50_MS, STEADY_P99_MS = 50_000, 3, 15
STORED, STORED_P99_MS = 1_000, 2_000
HTTP_MIB = 120
APPEND_PER_SECOND = 700_000
RESIDENT_BYTES = 256 << 20
RUNS = 3
# Measured elsewhere: Fluentd 1.19 to a file buffer, Fluent Bit 5 to Fluent Bit with acknowledgements; 235-byte events, two cores.
QUOTED = {"Fluentd": 24_600, "Fluent Bit": 122_000}


class Judge:
    """Prints each figure beside its limit and remembers each that is beyond it."""

    def __init__(self, judged):
        self.judged, self.failed = judged, []

    def say(self, what, figure, limit="", holds=True):
        beyond = self.judged and not holds
        print(f"{what:<52} {figure:<42} {limit}{'  BEYOND ITS LIMIT' if beyond else ''}".rstrip(), flush=True)
        if beyond:
            self.failed.append(what)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Service:
    """The service on a log of its own, with both listeners."""

    def __init__(self, built, folder, ack="synced", segment_seconds=60, tls=False):
        self.built, self.folder = built, folder
        # what the service before it left to be written must not keep its syncs waiting
        os.sync()
        folder.mkdir()
        self.http, self.forward = free_port(), free_port()
        key, policy = folder / "key.pem", folder / "policy.json"
        seal = built / "auditlog-seal"
        subprocess.run([seal, "keygen", "--spec", "ECC_NIST_P256", "--out", key], check=True, stdout=subprocess.DEVNULL)
        policy.write_bytes(subprocess.run([seal, "policy", "--origin", "bench.example/log", "--key-file", key],
                                          check=True, capture_output=True).stdout)
        (folder / "sealer.toml").write_text(f"""
[[logs]]
policy = "{policy}"
key_file = "{key}"
to = "{folder}/bucket"
spool = "{folder}/spool"
ack = "{ack}"
max_segment_seconds = {segment_seconds}

[[http]]
listen = "{self.http}"

[[forward]]
listen = "{self.forward}"
{self.certificates() if tls else ""}
""")
        self.process = subprocess.Popen([seal, "run", "--config", folder / "sealer.toml"], stdout=subprocess.DEVNULL,
                                        stderr=(folder / "log").open("w"))
        self.until_ready()

    def certificates(self):
        """A certificate of an authority of its own, as PEM files."""
        folder = self.folder

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
        openssl("req", *ec, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        (folder / "san").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:false\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
                "-days", "2", "-extfile", "san")
        return f'[forward.tls]\ncertificate = "{folder}/server.pem"\nkey = "{folder}/server.key"\n'

    def until_ready(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit("the service has not started:\n" + (self.folder / "log").read_text())
            time.sleep(0.05)

    def load(self, protocol, connections, events, chunk, bytes_an_event, rate=0, tls=False):
        """What the load generator prints, with the share of the processor time that it took."""
        address = self.forward if protocol == "forward" else self.http
        command = [self.built / "examples/load", protocol, address, connections, events, chunk, bytes_an_event, rate]
        command += [self.folder / "ca.pem"] if tls else []
        before = self.used()
        run = subprocess.run([str(one) for one in command], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"{run.stderr}{(self.folder / 'log').read_text()}")
        figures = json.loads(run.stdout)
        mine, its = figures["processor_seconds"], self.used() - before
        figures["share"] = mine / (mine + its) if mine + its else 0
        figures["per_second"] = figures["events"] / figures["seconds"]
        figures["ns"] = its / figures["events"] * 1e9
        self.sent = getattr(self, "sent", 0) + figures["events"]
        return figures

    def used(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        """Ends the service, and has the log verified; the most memory that the service took, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        resident = int(status.split("VmHWM:")[1].split()[0]) << 10
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(120):
            sys.exit("the service has failed:\n" + (self.folder / "log").read_text())
        verify = [self.built / "auditlog-verify", "--output", "json", "--policy", self.folder / "policy.json", f"{self.folder}/bucket"]
        run = subprocess.run(verify, capture_output=True, text=True)
        events = json.loads(run.stdout)["logs"][0]["entries"] if run.returncode == 0 else None
        if events != self.sent:
            sys.exit(f"{self.sent} events were acknowledged, and the verifier has found {events}:\n{run.stdout[:2000]}{run.stderr}")
        return resident


def best(key, run):
    """Of a few runs the figures with the least of `key`."""
    return min((run() for _ in range(RUNS)), key=key)


def seconds(figures):
    return figures["seconds"]


def forward(built, folder, judge, scale):
    events = 4_000_000 // scale
    rates, resident = {}, 0
    for tls in (False, True):
        service = Service(built, folder / f"forward-{tls}", tls=tls)
        service.load("forward", 4, events // 10, 1_000, FORWARD_BYTES, tls=tls)
        figures = best(seconds, lambda: service.load("forward", 4, events, 1_000, FORWARD_BYTES, tls=tls))
        resident = max(resident, service.end())
        rates[tls] = figures["per_second"]
        what = f"Forward{' over TLS' if tls else ''}, {FORWARD_BYTES}-byte events, synced"
        said = f"{figures['per_second']:,.0f} events/s"
        if tls:
            judge.say(what, f"{said}, {rates[True] / rates[False]:.2f} of without", f"at least {TLS_SHARE:.2f}",
                      rates[True] >= TLS_SHARE * rates[False])
        else:
            judge.say(what, said, f"at least {PER_SECOND:,}/s", figures["per_second"] >= PER_SECOND)
        judge.say("  processor time, and the sender's share of all", f"{figures['ns']:,.0f} ns an event, {figures['share']:.0%}")
        judge.say("  acknowledged after (p50, p99)", f"{figures['p50_ms']:.1f} ms, {figures['p99_ms']:.1f} ms")
    for name, quoted in QUOTED.items():
        judge.say(f"  beside {name} ({quoted:,}/s, quoted)", f"{rates[False] / quoted:.1f} times")
    judge.say("  memory", f"{resident >> 20} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)


def steady(built, folder, judge, scale):
    service = Service(built, folder / "steady")
    figures = best(lambda of: of["p99_ms"], lambda: service.load("forward", 4, STEADY * 10 // scale, 100, FORWARD_BYTES, STEADY // scale))
    service.end()
    judge.say(f"acknowledged at {STEADY // scale:,} events/s: p50", f"{figures['p50_ms']:.2f} ms", f"at most {STEADY_P50_MS} ms",
              figures["p50_ms"] <= STEADY_P50_MS)
    judge.say("  p99", f"{figures['p99_ms']:.2f} ms", f"at most {STEADY_P99_MS} ms", figures["p99_ms"] <= STEADY_P99_MS)


def stored(built, folder, judge, scale):
    service = Service(built, folder / "stored", ack="stored", segment_seconds=1)
    figures = service.load("forward", 4, STORED * 10 // scale, 10, FORWARD_BYTES, STORED // scale)
    service.end()
    judge.say(f"stored at {STORED // scale:,} events/s: p50", f"{figures['p50_ms']:,.0f} ms")
    judge.say("  p99", f"{figures['p99_ms']:,.0f} ms", f"at most {STORED_P99_MS:,} ms", figures["p99_ms"] <= STORED_P99_MS)


def http(built, folder, judge, scale):
    service = Service(built, folder / "http")
    events = 800_000 // scale
    service.load("http", 8, events // 10, 1_000, HTTP_BYTES)
    figures = best(seconds, lambda: service.load("http", 8, events, 1_000, HTTP_BYTES))
    resident = service.end()
    mib = figures["bytes"] / figures["seconds"] / (1 << 20)
    judge.say(f"HTTP, JSON Lines of {HTTP_BYTES} bytes, synced", f"{mib:,.0f} MiB/s", f"at least {HTTP_MIB} MiB/s", mib >= HTTP_MIB)
    judge.say("  processor time, and the sender's share of all", f"{figures['ns']:,.0f} ns an event, {figures['share']:.0%}")
    judge.say("  memory", f"{resident >> 20} MiB", f"below {RESIDENT_BYTES >> 20} MiB", resident < RESIDENT_BYTES)


def append(built, folder, judge, scale):
    """`append` from a file, in turn with the pipeline; the best of each."""
    folder = folder / "append"
    folder.mkdir()
    count = 1_000_000 // scale
    key, policy, events = folder / "key.pem", folder / "policy.json", folder / "events.jsonl"
    seal = built / "auditlog-seal"
    subprocess.run([seal, "keygen", "--spec", "ECC_NIST_P256", "--out", key], check=True, stdout=subprocess.DEVNULL)
    policy.write_bytes(subprocess.run([seal, "policy", "--origin", "bench.example/log", "--key-file", key],
                                      check=True, capture_output=True).stdout)
    with events.open("w") as file:
        for n in range(count):
            mixed = n * 2654435761 % 4294967296
            line = f'{{"id":{n},"user":"user-{mixed % 10007}","address":"10.{mixed % 251}.{mixed % 241}","session":"{mixed:08x}{n:08x}","note":"'
            file.write(line + (f"{mixed:010d} " * 22)[: FORWARD_BYTES - len(line) - 2] + '"}\n')
    ours, theirs = [], []
    for run in range(RUNS):
        began = time.monotonic()
        subprocess.run([seal, "append", "--policy", policy, "--key-file", key, "--to", folder / f"bucket-{run}",
                        "--spool", folder / f"spool-{run}", events], check=True, capture_output=True)
        ours.append(time.monotonic() - began)
        began = time.monotonic()
        subprocess.run(["sh", "-c", f"jq -c . <'{events}' | zstd -q | sha256sum"], check=True, capture_output=True)
        theirs.append(time.monotonic() - began)
    rate = count / min(ours)
    judge.say(f"append, {FORWARD_BYTES}-byte events from a file", f"{rate:,.0f} events/s", f"at least {APPEND_PER_SECOND:,}/s",
              rate >= APPEND_PER_SECOND)
    judge.say("  beside `jq -c . | zstd | sha256sum`", f"{min(theirs) / min(ours):.1f} times as fast")


def main():
    built = pathlib.Path(sys.argv[1]).resolve()
    judged = built.name == "release"
    judge, scale = Judge(judged), 1 if judged else 20
    only = sys.argv[2:]
    print(f"the service and its sender on the same {os.cpu_count()} cores, the log in a folder, the best of {RUNS} runs")
    with tempfile.TemporaryDirectory() as folder:
        for part in (forward, steady, stored, http, append):
            if not only or part.__name__ in only:
                part(built, pathlib.Path(folder), judge, scale)
    if judge.failed:
        sys.exit("beyond its limit: " + ", ".join(judge.failed))


main()
