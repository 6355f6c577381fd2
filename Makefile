# make run    serve on http://localhost:8000
# make check  lint, types and the tests that start no other process: about a minute
# make test   lint, types and every test; a part of them: make test ARGS=tests/redis
# make torture  kill, freeze and cut everything for ten minutes, and check that nothing is lost
# make fuzz   read mutated packets, frames, requests, tokens, emits and replies: ARGS='--target http'
# make drops  lose one client's connection 200 times: make drops ARGS='--client stock --seed 7'
# make token  print a token: make token ID=agent-7 KIND=agent GRANTS='circles:dev-*:rw,chat:*:rw'
# make types-js  write the client's types from the schemas
# make types-python  write the types of the library for Python from the schemas
# make screenshots  take the docs' pictures of the console anew
# make rooms  write the table of rooms into docs/design.md
# make attack  attack a server in every way that is known, beside somebody who behaves
# make bench  measure against the others and write docs/benchmarks.md; bench-quick: a short look
# make bench-idle  measure what a process without members pays beside a busy one
# make profile  draw where the server's time goes while a room is busy
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Workers and servers import the same: what one of them has compiled is there for the others.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal
CLIENT := app/web/console/vendor/socket.io.esm.min.js

.PHONY: help run token check test lint types unit torture drops fuzz format rooms screenshots clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/runtime console
	@[ -e $(CLIENT) ] || echo "The server runs, but its console does not. $$(scripts/node-problem)"
	$(BIN)/python -m app

token: .venv/runtime
	@[ -n "$$ID" ] || { echo "Say whose: make token ID=alice [KIND=user] [GRANTS='circles:*:rw,chat:*:r'] [AGENT_ID=7] [HOURS=24]" >&2; exit 2; }
	@$(BIN)/python -m app.token --id "$$ID" --kind "$${KIND:-user}" $${GRANTS+--grants "$$GRANTS"} $${AGENT_ID:+--agent-id "$$AGENT_ID"} $${HOURS:+--hours "$$HOURS"}

check: lint types
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick} $(PYTEST) -m 'not processes' $(ARGS)

test: lint types unit

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/development
	$(BIN)/mypy

unit: .venv/development .venv/system console js
	$(PYTEST) $(ARGS)

torture: .venv/development .venv/system
	$(BIN)/python -m tests.torture $(ARGS)

fuzz: .venv/development
	$(BIN)/python -m tests.fuzz $(ARGS)

drops: .venv/development .venv/system console js
	$(BIN)/python -m tests.drops $(ARGS)

screenshots: .venv/development .venv/system console
	$(BIN)/python -m tests.screenshots

rooms: .venv/development
	$(BIN)/python -m tests.house

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv node_modules app/web/console/vendor

# Each is done anew when what it is made from has changed.
.venv/runtime: requirements.txt clients/python/pyproject.toml
	@PYTHON=$(PYTHON) scripts/make-venv requirements.txt
	@touch $@

.venv/development: requirements-dev.txt requirements.txt clients/python/pyproject.toml
	@PYTHON=$(PYTHON) scripts/make-venv requirements-dev.txt
	@touch .venv/runtime $@

.venv/system: .venv/development scripts/install-system
	@scripts/install-system
	@touch $@

# The console's client library. Without npm the server runs all the same, and the page says so.
.PHONY: console
console: $(if $(shell scripts/node-problem),,$(CLIENT))

$(CLIENT): package.json
	@scripts/node-problem
	@echo "Installing the console's client library from npm …"
	npm install --no-audit --no-fund --loglevel=error
	mkdir -p $(@D)
	cp node_modules/socket.io-client/dist/socket.io.esm.min.js $@

include bench/bench.mk clients/js.mk clients/python.mk
