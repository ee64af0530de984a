# One command for each thing; each sets up what it needs, once. See CONTRIBUTING.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
STAMPS := build/stamps
# What asks no database is tested once, and so is what brings its own or types commands, on SQLite.
PURE := tests/house tests/manifest tests/platforms tests/connector/kernel tests/connector/sync/test_relay.py
ENGINELESS := $(PURE) tests/connector/test_tracing.py tests/connector/test_logs.py \
  tests/flows/test_commands.py tests/flows/test_demo.py
WIDGETS := $(shell find widgets package.json package-lock.json -type f -not -path '*/node_modules/*' 2>/dev/null)
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo test test-postgres test-both servers-setup check accept evidence bench screenshots texts package browser-setup lint widgets-check clean

help:
	@echo 'make setup        install everything but servers, into .venv and node_modules'
	@echo 'make demo         a store and Perennial on this machine, connected; prints links, stays up'
	@echo 'make test         the Python tests'
	@echo 'make check        format, lint, types, import contracts, tests, widgets, browser, sizes'
	@echo 'make texts        gather the texts of the merchant pages into the catalogues, and say what lacks'
	@echo 'make accept       what each issue must show: PASS, FAIL or ABSENT'
	@echo 'make evidence     the long proofs at full size; writes tests/evidence/*.json'
	@echo 'make screenshots  contact sheets of every state, into build/screenshots'
	@echo 'make bench        our speed beside that of the least code that could do it'
	@echo 'make package      has no content yet, and says so'

setup: $(STAMPS)/python $(STAMPS)/widgets

$(STAMPS)/python: requirements.txt pyproject.toml
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed: apt-get install python3 (or name one: make PYTHON=python3.12)' >&2; exit 1; }
	@[ -x $(PY) ] || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo 'The venv module is missing: apt-get install python3-venv' >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -m compileall -q connector platforms
	@touch $@

$(STAMPS)/widgets: $(STAMPS)/python $(WIDGETS)
	bash widgets/npm.sh run build
	@touch $@

demo: setup
	$(PY) -m connector.cli demo $(DEMO)

test: setup
	$(PY) -m pytest -m 'not browser'

test-postgres: setup servers-setup
	$(PY) -m tests.servers postgres redis -- $(PY) -m pytest -m 'not browser' $(ENGINELESS:%=--ignore=%)

lint: $(STAMPS)/python
	ruff format --check .
	ruff check .
	mypy
	lint-imports --no-cache

widgets-check: setup
	bash widgets/npm.sh run check

browser-setup:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-ipafont-gothic >/dev/null; } || \
	  { echo 'Chromium is missing: sudo apt-get install chromium' >&2; exit 1; }

servers-setup:
	@{ ls /usr/lib/postgresql/*/bin/initdb && command -v redis-server; } >/dev/null 2>&1 || [ -n "$${TEST_POSTGRES_URL:-}" ] || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql redis-server >/dev/null; } || \
	  { echo 'Servers are missing: sudo apt-get install postgresql redis-server' >&2; exit 1; }

# Both engines at once, a core each: tortoise has one engine in a process. What asks no database is
# run after PostgreSQL and browsers after SQLite, so that both take about as long.
test-both: setup servers-setup browser-setup
	@{ other=0; { $(MAKE) test-postgres && \
	    $(PY) -m tests.servers redis -- $(PY) -m pytest -m 'not browser' $(PURE); } \
	    >build/postgres.log 2>&1 || other=$$?; \
	  echo $$other >build/postgres.status; } & \
	  here=0; { $(PY) -m tests.servers redis -- $(PY) -m pytest -m 'not browser' $(PURE:%=--ignore=%) && \
	    $(PY) -m pytest -m browser; } || here=$$?; wait; \
	  echo "On PostgreSQL, and without a database:"; status=$$(cat build/postgres.status); \
	  if [ $$status = 0 ]; then grep -E '^=+ .*passed' build/postgres.log; else tail -n 200 build/postgres.log; fi; \
	  exit $$((here + status))

check: lint widgets-check test-both

accept: setup
	$(PY) -m tests.acceptance

evidence: setup
	HYPOTHESIS_PROFILE=evidence $(PY) -m tests.evidence

screenshots: setup browser-setup
	$(PY) -m tests.browser.screenshots build/screenshots
	$(PY) -m tests.browser.office build/screenshots
	$(PY) -m tests.browser.gallery build/screenshots

texts: $(STAMPS)/python
	$(PY) -m tests.house.texts

bench: setup servers-setup
	$(PY) -m tests.benchmarks $(BENCH)

package:
	@echo 'make $@: nothing here yet'

clean:
	rm -rf .venv build node_modules widgets/node_modules connector/web/bundles
