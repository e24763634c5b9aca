#!/usr/bin/env python3
"""latency.py FOLDER: what verifying costs where each request to S3 takes 50 ms longer, printed, and a failure beyond a limit.

FOLDER is where cargo built: target/release, with auditlog-seal and auditlog-verify in it. This script answers as S3 does, from memory and
50 ms late, so that neither a network nor a store decides. It answers what a verification asks for and nothing else.

- 1,000 small segments, and 200 of 380 KB, beside a reader that gets one object at a time
- 10,000 segments of which one is new, with a cache beside all of them: locked in COMPLIANCE mode, which are not looked at again, and in
  GOVERNANCE mode, which are

Each segment must cost one request. Times of a debug build say nothing, so for target/debug the figures are printed and not judged.
"""

import asyncio
import base64
import datetime
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.parse

DELAY_SECONDS = 0.05
BUCKET, REGION, ACCOUNT, PREFIX = "bench", "eu-central-1", "000000000000", "bench"
SMALL_SEGMENTS, SMALL_TIMES = 1_000, 20
LARGE_SEGMENTS, LARGE_BYTES, LARGE_TIMES = 200, 380_000, 9
CACHED_SEGMENTS, CACHED_SHARE = 10_000, {"COMPLIANCE": 0.1, "GOVERNANCE": 0.5}
# A debug build verifies fewer: it is not judged, but it must run.
PART_OF_DEBUG = 40
# A reader of one object at a time is measured on so many: it takes as long for each.
ONE_AT_A_TIME = 50
PAGE, SERVERS, BLOCK = 1_000, 2, 64
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Store:
    """Objects with their locks, and answers in the words of S3."""

    def __init__(self, mode, objects, stored=None):
        self.mode, self.objects = mode, objects
        self.keys = sorted(objects)
        self.stored = stored or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(seconds=1)
        self.until = self.stored + datetime.timedelta(days=40)

    def answer(self, method, target):
        path, _, query = target.partition("?")
        asked = urllib.parse.parse_qs(query, keep_blank_values=True)
        key = urllib.parse.unquote(path).removeprefix(f"/{BUCKET}").lstrip("/")
        if "versions" in asked:
            return self.page(asked), {}
        if "versioning" in asked:
            return f"<VersioningConfiguration {NAMESPACE}><Status>Enabled</Status></VersioningConfiguration>".encode(), {}
        if "object-lock" in asked:
            rule = f"<Rule><DefaultRetention><Mode>{self.mode}</Mode><Days>30</Days></DefaultRetention></Rule>"
            return (f"<ObjectLockConfiguration {NAMESPACE}><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}"
                    "</ObjectLockConfiguration>").encode(), {}
        if "retention" in asked:
            return (f"<Retention {NAMESPACE}><Mode>{self.mode}</Mode>"
                    f"<RetainUntilDate>{self.until:%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate></Retention>").encode(), {}
        return self.objects[key], {"x-amz-object-lock-mode": self.mode, "x-amz-version-id": "1", "ETag": '"1"',
                                   "x-amz-object-lock-retain-until-date": f"{self.until:%Y-%m-%dT%H:%M:%SZ}"}

    def page(self, asked):
        """The versions behind a marker, up to a thousand."""
        marker = asked.get("key-marker", [""])[0]
        first = self.keys.index(marker) + 1 if marker else 0
        page, total = self.keys[first : first + PAGE], len(self.keys)
        last = first + len(page)
        versions = "".join(
            f"<Version><Key>{key}</Key><VersionId>1</VersionId><IsLatest>true</IsLatest>"
            f"<LastModified>{self.stored:%Y-%m-%dT%H:%M:%S.000Z}</LastModified><ETag>&quot;1&quot;</ETag>"
            f"<Size>{len(self.objects[key])}</Size><StorageClass>STANDARD</StorageClass></Version>"
            for key in page)
        more = f"<NextKeyMarker>{page[-1]}</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>" if last < total else ""
        truncated = "true" if last < total else "false"
        return (f'<?xml version="1.0" encoding="UTF-8"?><ListVersionsResult {NAMESPACE}><Name>{BUCKET}</Name><Prefix></Prefix>'
                f"<MaxKeys>{PAGE}</MaxKeys><IsTruncated>{truncated}</IsTruncated>{more}{versions}</ListVersionsResult>").encode()


async def serve(reader, writer, store, counted):
    """One connection: each answer comes late, and the next request waits for it."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            body, headers = store.answer(method, target)
            with counted.get_lock():
                counted.value += 1
            headers |= {"Date": datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"),
                        "Content-Length": len(body), "Content-Type": "application/xml"}
            await asyncio.sleep(DELAY_SECONDS)
            writer.write(b"HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def serve_forever(store, port, counted, ready):
    async def run():
        answer = lambda reader, writer: serve(reader, writer, store, counted)
        server = await asyncio.start_server(answer, "127.0.0.1", port, reuse_port=True, backlog=1024)
        ready.release()
        await server.serve_forever()
    asyncio.run(run())


class Serving:
    """The store on a port, answered by as many processes as it takes not to be what is measured."""

    def __init__(self, store):
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.counted, ready = multiprocessing.Value("q", 0), multiprocessing.Semaphore(0)
        arguments = (store, self.port, self.counted, ready)
        self.processes = [multiprocessing.Process(target=serve_forever, args=arguments, daemon=True) for _ in range(SERVERS)]
        for process in self.processes:
            process.start()
        for _ in self.processes:
            ready.acquire()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.join()

    def requests(self):
        count, self.counted.value = self.counted.value, 0
        return count


class Log:
    """A log in a folder, sealed by the command under test, and its policy for a bucket."""

    def __init__(self, built, folder):
        folder.mkdir()
        self.folder, self.seal_tool, self.verify_tool = folder, built / "auditlog-seal", built / "auditlog-verify"
        self.key, self.local = folder / "key.pem", folder / "local.json"
        run([self.seal_tool, "keygen", "--spec", "ECC_NIST_P256", "--out", self.key])
        made = run([self.seal_tool, "policy", "--origin", "bench.example/log", "--key-file", self.key])
        self.local.write_bytes(made)
        self.declared = json.loads(made)
        self.pins, self.cache = folder / "pins.json", folder / "cache"

    def seal(self, events):
        """A segment for each event."""
        (self.folder / "events.jsonl").write_text("".join(event + "\n" for event in events))
        run([self.seal_tool, "append", "--policy", self.local, "--key-file", self.key, "--to", self.folder / "bucket",
             "--spool", self.folder / "spool", "--max-segment-events", "1", self.folder / "events.jsonl"])
        files = (self.folder / "bucket").rglob("*.zst")
        return {str(file.relative_to(self.folder / "bucket")): file.read_bytes() for file in files}

    def policy(self, mode):
        path = self.folder / f"{mode}.json"
        spans = [span | {"mode": mode, "retention_days": 30} for span in self.declared["lock"]]
        store = {"s3": {"bucket": BUCKET, "region": REGION, "account": ACCOUNT}}
        path.write_text(json.dumps(self.declared | {"store": store, "lock": spans}))
        return path

    def verify(self, port, mode, *options):
        """Seconds of a run over the network, and the number of segments that it took from the cache."""
        command = [self.verify_tool, "--policy", self.policy(mode), "--endpoint-url", f"http://127.0.0.1:{port}", "--path-style",
                   "--output", "json", *options]
        environment = os.environ | {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_EC2_METADATA_DISABLED": "true"}
        began = time.monotonic()
        process = subprocess.Popen([str(one) for one in command], stdout=subprocess.PIPE, env=environment)
        report = process.stdout.read()
        if process.wait():
            sys.exit(f"auditlog-verify ended with {process.returncode}: {report.decode()[:4000]}")
        return time.monotonic() - began, json.loads(report)["run"].get("cached_segments", 0)


def run(command):
    done = subprocess.run([str(one) for one in command], capture_output=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def one_at_a_time(port, store):
    """Seconds that a reader of one object at a time takes for all of them, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    sample = store.keys[:: max(1, len(store.keys) // ONE_AT_A_TIME)]
    began = time.monotonic()
    for key in sample:
        connection.request("GET", f"/{BUCKET}/{key}?versionId=1")
        connection.getresponse().read()
    return (time.monotonic() - began) / len(sample) * len(store.keys)


class Judge:
    """Prints each figure beside its limit and remembers each that is beyond it."""

    def __init__(self, judged):
        self.judged, self.failed = judged, []

    def say(self, what, figure, limit, holds):
        beyond = self.judged and not holds
        print(f"{what:<52} {figure:<40} {limit}{'  BEYOND ITS LIMIT' if beyond else ''}", flush=True)
        if beyond:
            self.failed.append(what)


def beside_one_reader(log, objects, times, judge, what):
    store = Store("GOVERNANCE", objects)
    with Serving(store) as serving:
        slow = one_at_a_time(serving.port, store)
        serving.requests()
        seconds = min(log.verify(serving.port, "GOVERNANCE")[0] for _ in range(2))
        requests = serving.requests() / 2
        beside = requests - len(objects)
    judge.say(what, f"{seconds:.2f} s, {slow / seconds:.1f} times as fast", f"at least {times}", slow / seconds >= times)
    # The pages of the listing, and the two answers about the bucket.
    judge.say("  requests beside one for each segment", f"{beside:.0f}", "at most 10", beside <= 10)


def beside_full_run(log, objects, mode, judge):
    newest = max(objects)
    options = ["--pins", log.folder / f"{mode}-pins.json", "--cache", log.folder / f"{mode}-cache"]
    before = Store(mode, {key: objects[key] for key in objects if key != newest})
    with Serving(before) as serving:
        log.verify(serving.port, mode, *options)
    with Serving(Store(mode, objects, before.stored)) as serving:
        full, _ = log.verify(serving.port, mode)
        seconds, cached = log.verify(serving.port, mode, *options)
    share = CACHED_SHARE[mode]
    judge.say(f"{len(objects):,} segments in {mode} mode, one of them new", f"{seconds:.2f} s of {full:.2f} s: {seconds / full:.3f}",
              f"less than {share}", seconds / full < share)
    # All but those of the last block, and of the one with the pin.
    if cached < len(objects) - 2 * BLOCK:
        sys.exit(f"only {cached} segments came from the cache")


def noise(bytes_of_noise, seed):
    """An event that cannot be compressed."""
    return f'"{base64.b64encode(random.Random(seed).randbytes(bytes_of_noise)).decode()}"'


def main():
    built = pathlib.Path(sys.argv[1]).resolve()
    judge = Judge(built.name == "release")
    part = 1 if judge.judged else PART_OF_DEBUG
    print(f"each request takes {DELAY_SECONDS * 1000:.0f} ms longer, {len(os.sched_getaffinity(0))} cores")
    with tempfile.TemporaryDirectory(prefix="auditlog-bench-") as folder:
        folder = pathlib.Path(folder)
        small = Log(built, folder / "small")
        objects = small.seal(f'{{"n":{n}}}' for n in range(CACHED_SEGMENTS // part - 1))
        first = dict(sorted(objects.items())[: SMALL_SEGMENTS // part])
        beside_one_reader(small, first, SMALL_TIMES, judge, f"{len(first):,} small segments")
        large = Log(built, folder / "large")
        few = large.seal(noise(LARGE_BYTES, n) for n in range(LARGE_SEGMENTS // part - 1))
        beside_one_reader(large, few, LARGE_TIMES, judge, f"{len(few)} segments of {LARGE_BYTES // 1000} KB")
        for mode in CACHED_SHARE:
            beside_full_run(small, objects, mode, judge)
    if judge.failed:
        sys.exit("beyond its limit: " + ", ".join(judge.failed))


if __name__ == "__main__":
    main()
