# Each target first installs its own dependencies, if they are missing or outdated: Python packages in .venv, and the
# built explorer and reader in gqlnews/server/.

PYTHON ?= python3
CONTENT ?= examples/news
WORKERS ?= 3
PROGRAMS ?= /usr/lib/postgresql/15/bin
MINUTES ?= 30
BEFORE ?= HEAD~1

VENV := .venv
BIN := $(VENV)/bin
EXPLORER := gqlnews/server/explorer/manifest.json
READER := gqlnews/server/reader/manifest.json
PEERS := benchmarks/peers/node_modules/.package-lock.json
RESULT := benchmarks/throughput/result.json
CLIENTS := tests/clients/node_modules/.package-lock.json
GUIDES := tests/guides/node_modules/.package-lock.json
PYTHON_CLIENT := .venv-clients/made
PYTHON_CODEGEN := .venv-codegen/made
# Each process starts with a contiguous part of the tests, so that few servers and stores are created twice, and takes
# over tests of others when it has none left.
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --only-binary :all: --generate-hashes
EXPLORER_SOURCES := explorer/package-lock.json explorer/build.mjs explorer/precompress.mjs $(wildcard explorer/src/*)
READER_PACKAGES := examples/reader/node_modules/.package-lock.json
READER_SOURCES := schema.graphql explorer/precompress.mjs $(filter-out %.md,$(wildcard examples/reader/*.*)) $(shell find examples/reader/src -path examples/reader/src/gql -prune -o -type f -print)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start thousands of processes, each of which would compile all modules.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve install test test-thorough test-postgresql coverage fuzz lint explorer reader front-ends-if-possible clients guides test-guides bench bench-peers bench-check bench-live bench-hostile soak image-check schema settings lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{printf "  %s %-15s", $$1, $$2; $$1 = $$2 = ""; print}'

serve: $(VENV)/installed front-ends-if-possible ## ingest and serve the folder CONTENT (examples/news)
	@exec $(BIN)/gqlnews serve "$(CONTENT)"

install: $(VENV)/installed-dev $(EXPLORER) $(READER) clients guides ## install and build everything that the tests need (needs npm); faster with -j4

test: lint install ## run all checks, and the tests but the longest ones, in WORKERS (3) processes (needs npm)
	$(PYTEST) --quick

test-thorough: install ## run all tests, in about half an hour (needs npm)
	$(PYTEST)

test-postgresql: $(VENV)/installed-dev ## run only the tests that run PostgreSQL, with Debian's or with the programs in PROGRAMS; TESTS selects some
	GQLNEWS_TEST_POSTGRES_PROGRAMS=$(PROGRAMS) $(PYTEST) -m postgresql $(TESTS)

coverage: install ## run all tests; fail if less than 95% of lines and branches are covered (needs npm)
	$(PYTEST) --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

fuzz: $(VENV)/installed-dev ## run the property tests with all their examples, kill a consumer of changes, then fuzz for MINUTES (30); SEED repeats a run
	$(PYTEST) --hypothesis-profile=fuzz -m generated
	$(BIN)/python -m tests.cli.killed_changes 200 $(SEED)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/installed-dev ## check style and types with ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

explorer: $(EXPLORER) ## build GraphiQL into the package (needs npm)

reader: $(READER) ## build the reader, examples/reader, into the package (needs npm)

clients: $(CLIENTS) $(PYTHON_CLIENT) $(PYTHON_CODEGEN) ## install the clients and code generators that the tests use (needs npm)

guides: $(GUIDES) ## install the packages with which the tests check the types of the guides (needs npm)

test-guides: $(VENV)/installed-dev $(EXPLORER) $(READER) $(GUIDES) ## run every block of the guides; GUIDE selects one (needs npm, chromium, nginx, caddy)
	PATH="$$PATH:/usr/sbin" $(BIN)/python -m tests.guides $(GUIDE)

bench: $(VENV)/installed-dev ## run the main benchmarks (needs wrk); GQLNEWS_CORPUS is the folder that contains ai2020
	$(BIN)/python -m benchmarks

bench-peers: $(VENV)/installed-dev $(PEERS) ## measure requests per second, also of servers on Node (needs wrk and npm)
	$(BIN)/python -m benchmarks.throughput --peers --out $(RESULT)

bench-check: $(VENV)/installed-dev ## fail if gqlnews has become slower since the commit BEFORE (HEAD~1) (needs wrk)
	$(BIN)/python -m benchmarks.throughput.check --before $(BEFORE)

bench-live: $(VENV)/installed-dev ## measure the delay from saving an article to seeing it, with 0 and 1,000 subscribers
	$(BIN)/python -m benchmarks.live

bench-hostile: $(VENV)/installed-dev ## attack a server with one client and measure another client; fail if a goal is missed
	$(BIN)/python -m benchmarks.hostile

soak: $(VENV)/installed-dev ## run ten minutes of changes with reconnecting clients; fail if an event is lost or memory grows
	$(BIN)/python -m benchmarks.soak --minutes 10

image-check: $(VENV)/installed-dev ## build and run the container image (as root; needs buildah, debootstrap, bubblewrap and npm)
	$(BIN)/python -m tests.image

schema: $(VENV)/installed ## write schema.graphql
	$(BIN)/gqlnews schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

settings: $(VENV)/installed ## write the tables in docs/settings.md and docs/configuration.md
	$(BIN)/python -m tests.settings_docs
	$(BIN)/python -m tests.configuration_docs

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: $(VENV)/made ## update the lock files of the image from pyproject.toml; UPGRADE=1 upgrades all versions
	$(BIN)/pip install --quiet --group lock
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra postgres --output-file requirements.lock pyproject.toml
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements-build.lock --group build

clean: ## remove all generated files
	rm -rf $(VENV) gqlnews/server/explorer explorer/node_modules benchmarks/peers/node_modules dist .coverage* .hypothesis
	rm -rf gqlnews/server/reader examples/reader/node_modules examples/reader/src/gql
	rm -rf .venv-clients .venv-codegen tests/clients/node_modules tests/guides/node_modules $(RESULT)
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/installed: pyproject.toml $(VENV)/made
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/installed
	$(BIN)/pip install --quiet --group dev
	@touch $@

$(EXPLORER): $(EXPLORER_SOURCES)
	cd explorer && npm ci --ignore-scripts --no-fund --no-audit && npm run build
	@touch $@

$(READER_PACKAGES): examples/reader/package-lock.json
	cd examples/reader && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

$(READER): $(READER_PACKAGES) $(READER_SOURCES)
	cd examples/reader && npm run build
	@touch $@

$(PEERS): benchmarks/peers/package-lock.json
	cd benchmarks/peers && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

$(CLIENTS): tests/clients/package-lock.json
	cd tests/clients && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

$(GUIDES): tests/guides/package-lock.json
	cd tests/guides && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

# A separate environment, so that the dependencies of gql do not restrict those of gqlnews.
$(PYTHON_CLIENT): tests/clients/requirements.txt
	$(PYTHON) -m venv --clear .venv-clients
	.venv-clients/bin/pip install --quiet --requirement tests/clients/requirements.txt
	@touch $@

# ariadne-codegen needs an older graphql-core than gql.
$(PYTHON_CODEGEN): tests/clients/codegen-requirements.txt
	$(PYTHON) -m venv --clear .venv-codegen
	.venv-codegen/bin/pip install --quiet --requirement tests/clients/codegen-requirements.txt
	@touch $@

front-ends-if-possible:
	@if command -v npm >/dev/null; then \
		$(MAKE) --silent --no-print-directory --keep-going $(EXPLORER) $(READER) || \
		echo 'npm could not build everything, see above; the pages of the rest say how to build it.' >&2; fi
