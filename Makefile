# Everything here makes what it needs, once: a virtual environment in .venv, the explorer in gqlnews/server/explorer.

PYTHON ?= python3
CONTENT ?= examples/news
WORKERS ?= 2
MINUTES ?= 30

VENV := .venv
BIN := $(VENV)/bin
EXPLORER := gqlnews/server/explorer/manifest.json
PEERS := benchmarks/peers/node_modules/.package-lock.json
RESULT := benchmarks/throughput/result.json
CLIENTS := tests/clients/node_modules/.package-lock.json
PYTHON_CLIENT := .venv-clients/made
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --only-binary :all: --generate-hashes
EXPLORER_SOURCES := explorer/package-lock.json explorer/build.mjs $(wildcard explorer/src/*)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test fuzz lint explorer explorer-if-possible bench bench-peers bench-check bench-live bench-hostile soak schema lock clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{printf "  %s %-13s", $$1, $$2; $$1 = $$2 = ""; print}'

serve: $(VENV)/installed explorer-if-possible ## ingest and serve CONTENT (examples/news)
	@exec $(BIN)/gqlnews serve "$(CONTENT)"

test: lint $(EXPLORER) clients ## everything that must pass
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

fuzz: $(VENV)/installed-dev ## what no run has sent before: requests against the oracle, then MINUTES (30) of anything
	$(BIN)/pytest -n $(WORKERS) --hypothesis-profile=fuzz tests/test_generated_queries.py
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/installed-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

explorer: $(EXPLORER) ## build GraphiQL into the package (needs npm)

clients: $(CLIENTS) $(PYTHON_CLIENT) ## other people's clients, for the tests (needs npm)

bench: $(VENV)/installed-dev ## measure; GQLNEWS_CORPUS names the unpacked real articles
	$(BIN)/python -m benchmarks

bench-peers: $(VENV)/installed-dev $(PEERS) ## requests a second, beside servers on Node too (needs npm)
	$(BIN)/python -m benchmarks.throughput --peers --out $(RESULT)

bench-check: $(VENV)/installed-dev ## fail where gqlnews has become slower beside the ordinary server
	$(BIN)/python -m benchmarks.throughput.check

bench-live: $(VENV)/installed-dev ## how long from saving an article to seeing it, alone and among 1,000 subscribers
	$(BIN)/python -m benchmarks.live

bench-hostile: $(VENV)/installed-dev ## what another client notices while one client attacks; fail where a goal is missed
	$(BIN)/python -m benchmarks.hostile

soak: $(VENV)/installed-dev ## ten minutes of changes and of clients that come and go; fail where anything is lost or grows
	$(BIN)/python -m benchmarks.soak --minutes 10

schema: $(VENV)/installed ## export schema.graphql
	$(BIN)/gqlnews schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: $(VENV)/made ## update the image's lock files from pyproject.toml; UPGRADE=1 takes the newest versions
	$(BIN)/pip install --quiet --group lock
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements-build.lock --group build

clean: ## remove everything that was made
	rm -rf $(VENV) gqlnews/server/explorer explorer/node_modules benchmarks/peers/node_modules dist .coverage* .hypothesis
	rm -rf .venv-clients tests/clients/node_modules $(RESULT)
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

$(PEERS): benchmarks/peers/package-lock.json
	cd benchmarks/peers && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

$(CLIENTS): tests/clients/package-lock.json
	cd tests/clients && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

# An environment of its own: what gql needs does not decide what gqlnews may need.
$(PYTHON_CLIENT): tests/clients/requirements.txt
	$(PYTHON) -m venv --clear .venv-clients
	.venv-clients/bin/pip install --quiet --requirement tests/clients/requirements.txt
	@touch $@

explorer-if-possible:
	@if command -v npm >/dev/null; then $(MAKE) --silent --no-print-directory $(EXPLORER); fi
