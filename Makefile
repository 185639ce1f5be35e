# livepulse. `make help` says what each target does.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
LIVEPULSE := $(BIN)/livepulse

# For `make demo`: seconds (until Ctrl-C when empty) and events per second.
DURATION ?=
RATE ?= 500
# For `make bench-smoke`.
EVENTS ?= 4000000
# For `make faults`.
SEEDS ?= 1

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

# One stamp for all that pip installs: made again when the lock or the project changes.
$(VENV)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: $(PYTHON) was not found. Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# What livepulse is measured against: other frameworks, over 2 GB.
$(BENCH_VENV)/.installed: tests/bench/family/requirements.lock
	@test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## Install Python packages, jars and ClickHouse's engine (what is missing)
	$(LIVEPULSE) install

.PHONY: demo
demo: install ## Everything at once: start, simulate, watch, verify (DURATION=60 RATE=2000)
	$(LIVEPULSE) demo --rate $(RATE) $(if $(DURATION),--duration $(DURATION))

.PHONY: up
up: install ## Start Kafka, Flink and ClickHouse, migrate, and submit the jobs
	$(LIVEPULSE) up
	$(LIVEPULSE) migrate
	$(LIVEPULSE) jobs submit

.PHONY: down
down: ## Stop the local stack; its data is kept
	$(LIVEPULSE) down

.PHONY: test
test: install ## All tests, on real Kafka, Flink and ClickHouse processes
	$(BIN)/python -m pytest

.PHONY: test-fast
test-fast: $(VENV)/.installed ## The tests that start no service
	$(BIN)/python -m pytest tests/unit

.PHONY: faults
faults: install ## Every fault, SEEDS times each: events lost and windows wrong afterwards (an hour a seed or less)
	$(BIN)/python -m tests.faults --seeds $(SEEDS)

.PHONY: protections
protections: install ## Faults again, each without what protects from it: every one must be found out (about 20 minutes)
	$(BIN)/python -m tests.faults.protections

.PHONY: soak
soak: install ## Half an hour at the highest rate that stays fresh, then three times that: memory, files, freshness (about an hour)
	$(BIN)/python -m tests.load

.PHONY: catch-up
catch-up: install ## How fast the jobs make up for a minute without them, at 10,000 events/s (about a quarter of an hour)
	$(BIN)/python -m tests.load.catch_up

.PHONY: lint
lint: $(VENV)/.installed ## Ruff: errors and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.installed ## Mypy, strictly
	$(BIN)/mypy

.PHONY: generate
generate: $(VENV)/.installed ## Write everything that follows from schemas/, jobs/ and dashboards/
	$(LIVEPULSE) generate
	$(LIVEPULSE) dashboards build

.PHONY: check-generated
check-generated: $(VENV)/.installed ## Fail when a generated file is out of date
	$(LIVEPULSE) generate --check
	$(LIVEPULSE) dashboards build --check

.PHONY: compose-check
compose-check: $(VENV)/.installed ## Validate deploy/compose: schema, variables, ports, files, roles (nothing is run)
	$(BIN)/python -m pytest tests/contracts/test_compose.py

.PHONY: bench-smoke
bench-smoke: install ## All jobs against one Python process, side by side (EVENTS=4000000)
	$(BIN)/python -m tests.bench.smoke --events $(EVENTS)

.PHONY: bench
bench: install $(BENCH_VENV)/.installed ## One metric family by livepulse and by what could be taken instead, in turn (about a quarter of an hour)
	$(BIN)/python -m tests.bench.family --json build/bench/family.json --plot docs/images/bench.png

.PHONY: bench-parallelism
bench-parallelism: install ## All jobs with one task on one core against two on two (about a quarter of an hour)
	$(BIN)/python -m tests.bench.parallelism

.PHONY: bench-reads
bench-reads: install ## How fast panels, alerts and views answer over the counters of a billion events (about 3 minutes)
	$(BIN)/python -m tests.bench.reads

.PHONY: lock
lock: $(VENV)/.installed ## Resolve requirements.lock again from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock

.PHONY: sbom
sbom: $(VENV)/.installed ## What livepulse and its local stack consist of, as CycloneDX in build/sbom: Python, npm, Maven
	@mkdir -p build/sbom
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file build/sbom/python.json $(BIN)/python
	npm sbom --sbom-format cyclonedx --package-lock-only --prefix dashboards/board > build/sbom/board.json
	npm sbom --sbom-format cyclonedx --package-lock-only --prefix deploy/local > build/sbom/clickhouse.json
	for profile in kafka flink; do mvn --quiet --batch-mode --file deploy/local/pom.xml --activate-profiles $$profile \
		org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeBom -DoutputFormat=json -DoutputName=$$profile \
		-DoutputDirectory=$(CURDIR)/build/sbom || exit 1; done

.PHONY: audit
audit: audit-python ## Whether what is installed has known vulnerabilities; asks PyPI's and npm's advisories
	npm audit --package-lock-only --prefix dashboards/board
	npm audit --package-lock-only --prefix deploy/local

.PHONY: audit-python
audit-python: $(VENV)/.installed ## The same for Python alone; says what it could not ask about
	$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off

.PHONY: clean
clean: ## Remove the virtual environment and caches (not the stack's data)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
