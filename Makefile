# Everything the project is asked to do, by name; `make help` lists it.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000

BIN := .venv/bin
# The pins: what is installed a month from now is what is installed today.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL := $(PIP) install --constraint requirements.lock

# What every branch of must be tested, and the tests that see to it.
CORE := captcha_stateless/engine.py,captcha_stateless/judge.py,captcha_stateless/passes.py,captcha_stateless/tokens/seal.py,captcha_stateless/replay/*,captcha_stateless/kinds/*
CORE_TESTS := tests/test_engine.py tests/test_judge.py tests/test_passes.py tests/test_guesses.py tests/tokens/test_seal.py tests/kinds tests/replay \
	$(wildcard $(addprefix tests/protocols/test_, audio.py health.py jwks.py minicap.py onecaptcha*.py relaysms*.py restcaptcha*.py tornevall*.py))

.DEFAULT_GOAL := help
.PHONY: help run test check fuzz format keys sample bench attack read fire soak chaos edge docs widget manifests pictures lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: .venv/run keys  ## install, make development keys, serve on HOST and PORT
	@$(BIN)/captcha-stateless serve --host $(HOST) --port $(PORT)

test: .venv/test  ## run the tests, those of faults under load by themselves; ARGS="tests/kinds -k grid" for some of them
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --ignore tests/chaos
	@$(BIN)/python -m pytest tests/chaos
endif

check: .venv/test  ## lint, types, branch coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q --numprocesses 2 --dist loadfile $(CORE_TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --include='$(CORE)' --fail-under=100

fuzz: .venv/fuzz  ## try the compiled part under sanitizers, and everything that /openapi.json describes
	@$(BIN)/python -m tests.fuzz $(ARGS)

format: .venv/test  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

keys: .venv/run  ## make a key ring in keys/ where there is none
	@$(BIN)/captcha-stateless keys init --if-missing

sample: .venv/run keys  ## draw a contact sheet, sample.png
	@$(BIN)/captcha-stateless sample

bench: .venv/bench  ## measure: CPU time a request, beside yardsticks in the same run
	@$(BIN)/python benchmarks/render.py
	@$(BIN)/python benchmarks/grid.py
	@$(BIN)/python benchmarks/text.py
	@$(BIN)/python benchmarks/start.py
	@$(BIN)/python benchmarks/replay.py
	@$(BIN)/python benchmarks/passes.py
	@$(BIN)/python benchmarks/wall.py
	@$(BIN)/python benchmarks/rules.py
	@$(BIN)/python benchmarks/work.py
	@$(BIN)/python benchmarks/widgets.py
	@$(BIN)/python benchmarks/hashes.py
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/peers.py
	@PYTHONPATH=. $(BIN)/python benchmarks/growth.py

chaos: .venv/test  ## the long races, kills and lost replies
	@CAPTCHA_TEST_CHAOS=1 $(BIN)/python -m pytest --timeout 1800 tests/chaos tests/replay tests/test_judge.py tests/test_guesses.py $(ARGS)

fire: .venv/test  ## measure a server under overload and slow clients, in wall time
	@PYTHONPATH=. $(BIN)/python benchmarks/fire.py

soak: .venv/test  ## ten minutes of every protocol's runs on two replicas: errors, times, memory
	@PYTHONPATH=. $(BIN)/python benchmarks/soak.py

edge: .venv/test  ## rolling restarts, kills and slow clients, full size
	@CAPTCHA_TEST_CHAOS=1 $(BIN)/python -m pytest --timeout 900 tests/edge tests/wire $(ARGS)

attack: .venv/attack  ## attack every door and write docs/threat-model.md (hours); ARGS=--short as CI does
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/attack $(ARGS)

read: .venv/run  ## serve a page that measures how well people read tiles and texts, and hear sounds
	@$(BIN)/python benchmarks/read.py $(ARGS)

docs: .venv/run  ## write the tables and the drawing that the code knows
	@$(BIN)/python docs/tables.py
	@PYTHONPATH=. $(BIN)/python docs/architecture.py

widget: .venv/test  ## join the widget's files to web/widget.min.js, by esbuild
	@node tests/web/frontends/widget.mjs captcha_stateless/web/widget.min.js

manifests: .venv/test  ## render the Helm chart to deploy/kubernetes.yaml
	@$(BIN)/python deploy/manifests.py

pictures: .venv/test  ## draw the widget for the README, with the system's Chromium
	@$(BIN)/python docs/pictures.py

lock: .venv/test  ## pin the newest versions that fit (of PyTorch each machine takes its own build)
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --all-extras --group dev --group clients --group fuzz --group bench --group attack --no-header --no-annotate pyproject.toml --output-file requirements.lock

clean:  ## remove what the other targets made, but no keys
	rm -rf captcha_stateless/render/*.so .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist sample.png tests/clients/node_modules tests/web/node_modules tests/web/frontends/node_modules benchmarks/peers/node_modules

.venv/pip: requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@

.venv/run: .venv/pip pyproject.toml hatch_build.py captcha_stateless/render/_fused.c
	@echo "Installing into .venv ..."
	@$(INSTALL) --editable ".[agents,audio,fast,limits,metrics,redis]"
	@touch $@

.venv/test: .venv/pip pyproject.toml hatch_build.py captcha_stateless/render/_fused.c tests/clients/package-lock.json tests/web/package-lock.json tests/web/frontends/package-lock.json
	@echo "Installing into .venv, with what the tests need ..."
	@$(INSTALL) --editable ".[agents,argon2,audio,client,dnsbl,fast,limits,metrics,otel,redis]" --group dev --group clients
	@if command -v npm >/dev/null; then for folder in clients web web/frontends; do npm ci --prefix tests/$$folder --silent --ignore-scripts --no-audit --no-fund || exit 1; done; fi
	@touch $@

.venv/fuzz: .venv/test
	@$(INSTALL) --group fuzz
	@touch $@

.venv/bench: .venv/test benchmarks/peers/package-lock.json
	@$(INSTALL) --group bench
	@if command -v npm >/dev/null; then npm ci --prefix benchmarks/peers --silent --ignore-scripts --no-audit --no-fund; fi
	@touch $@

# PyTorch, for the networks that it trains, is a group of its own: hundreds of megabytes, which nothing else needs.
.venv/attack: .venv/bench
	@$(INSTALL) --group attack
	@touch $@
