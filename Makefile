# DevMind Pipeline. `make` lists what there is; `make up` starts everything.
.POSIX:
.SUFFIXES:

VENV = .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
HISTORY =
ARGS =
TESTS =
PYTHON =

.PHONY: help install up down memory test lint types format dashboards manifests kubectl image bench-accuracy bench-models \
	bench-history bench-training bench-retraining bench-gate bench-selection bench-remaining bench-affinity \
	bench-serving soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make up HISTORY=PATH       learns from real CI history instead of a simulated company'
	@echo '  make up ARGS="--port 8080" passes options on (devmind up --help)'

install: $(STAMP) ## make .venv and install everything, as pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@PYTHON='$(PYTHON)' sh scripts/make-venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-e '.[server,dev]' -c constraints.txt
	@touch $(STAMP)

up: $(STAMP) ## start the whole service here: history, Ray, models, API, MLflow
	@history='$(HISTORY)'; $(BIN)/devmind up $${history:+--history "$$history"} $(ARGS)

down: ## stop what `make up` started; history and models stay in var/
	@if [ -x $(BIN)/devmind ]; then $(BIN)/devmind down; \
	else echo 'Nothing to stop: `make up` was never run here.'; fi

memory: $(STAMP) ## print how much memory the running service takes
	@$(BIN)/devmind status --memory

test: $(STAMP) lint types ## check style and types, and run the tests (TESTS=path for some, THOROUGH=1 for all)
	@sh scripts/run-tests $(BIN)/python $(TESTS)

lint: $(STAMP) ## check format, style and who imports whom
	$(BIN)/black --check --quiet .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(STAMP) ## check types
	$(BIN)/mypy

format: $(STAMP) ## format the code
	$(BIN)/black --quiet .
	$(BIN)/ruff check --fix .

dashboards: $(STAMP) ## write Grafana's dashboards anew, ours and those of the pinned Ray
	$(BIN)/python -m scripts.dashboards

manifests: $(STAMP) ## make the Serve configuration of Kubernetes from serve_config.yaml
	$(BIN)/python -m scripts.serve_config

kubectl: $(STAMP) ## fetch the pinned kubectl that renders the manifests
	$(BIN)/python -m scripts.fetch_kubectl

image: ## build the image devmind-ml-service:local (TORCH_INDEX=ADDRESS of CPU builds, or GPU_TORCH=1)
	@scripts/build-image devmind-ml-service:local

bench-accuracy: $(STAMP) ## replay real CI history: our models beside simple rules and published numbers
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

bench-training: $(STAMP) ## print what replay, fits and search cost beside plain libraries (ARGS=part)
	$(BIN)/python -m benchmarks.training $(ARGS)

bench-gate: $(STAMP) ## print how often the gate lets equal, better and worse challengers pass
	$(BIN)/python -m benchmarks.gate_power $(ARGS)

bench-retraining: $(STAMP) ## print how long retraining takes on 40,000 builds and 70,000 verdicts
	$(BIN)/python -m benchmarks.retraining_time $(ARGS)

bench-selection: $(STAMP) ## print how well the promised miss rate holds on 200 simulated projects
	$(BIN)/python -m benchmarks.selection_bound $(ARGS)

bench-remaining: $(STAMP) ## print how well the remaining time of running builds is predicted
	$(BIN)/python -m benchmarks.remaining_time $(ARGS)

bench-affinity: $(STAMP) ## print what change affinity adds on a real package whose tests are run
	$(BIN)/python -m benchmarks.change_affinity $(ARGS)

bench-models: $(STAMP) ## print how each model does beside simple baselines, on held-out real builds
	$(BIN)/python -m benchmarks.models_vs_baselines $(ARGS)

bench-history: $(STAMP) ## print how fast the history is read back
	$(BIN)/python -m benchmarks.history_read $(ARGS)

bench-serving: $(STAMP) ## print what our service costs beside others with the same models (ARGS=--quick)
	$(BIN)/python -m benchmarks.serving $(ARGS)

soak: $(STAMP) ## load the service for ten minutes and print whether its memory stays flat
	$(BIN)/python -m benchmarks.serving.soak $(ARGS)

clean: ## remove .venv and caches; history and models in var/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
