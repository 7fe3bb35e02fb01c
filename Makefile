# Everything runs in .venv, which holds exactly what requirements.lock names.
# Needed on the machine: Python 3.11 to 3.13, make, git and a package index.

VENV := .venv
BIN := $(VENV)/bin
RUN := env PATH="$(CURDIR)/$(BIN):$$PATH"
STAMP := $(VENV)/.installed
FAST_TESTS := tests/lab tests/judging tests/upstream tests/project
COVERED := tests/lab tests/judging tests/classroom tests/test_cli.py
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

# A candidate must run: a version manager's shim can be on PATH without its Python.
USABLE := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11; do \
	$$candidate -c '$(USABLE)' 2>/dev/null && echo $$candidate && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo term test test-oldest coverage test-bare lint lab bench-grading bench-isolation bench-training results messages release lock lock-oldest \
	image manifest install clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP)  ## grade a sample class of assignment 01, from release to feedback
	@$(RUN) skipgrade demo

term: $(STAMP)  ## a term of eight bent submissions of 01, from publishing to a changed hidden test
	@$(RUN) OMP_NUM_THREADS=1 python -m tests.classroom.term

test: lint  ## lint, then run all tests (TESTS="tests/lab ..." for some)
	@$(RUN) OMP_NUM_THREADS=1 python -m pytest $(TESTS) $(SIDE_BY_SIDE)

test-oldest: $(STAMP)  ## the fast tests with the oldest versions pyproject.toml allows
	@$(BIN)/uv venv --quiet --allow-existing --python 3.11 .venv-oldest
	@VIRTUAL_ENV=.venv-oldest $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes \
		requirements-oldest.lock
	@VIRTUAL_ENV=.venv-oldest $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@env PATH="$(CURDIR)/.venv-oldest/bin:$$PATH" OMP_NUM_THREADS=1 .venv-oldest/bin/python \
		-m pytest -n auto --maxprocesses 4 --dist loadgroup $(FAST_TESTS)

coverage: $(STAMP)  ## which lines of skipgrade/ no test runs; fails below the floor
	@rm -rf build/coverage
	@$(RUN) OMP_NUM_THREADS=1 coverage run -m pytest $(COVERED) $(SIDE_BY_SIDE)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-bare: $(STAMP)  ## the released notebooks with only what their wheel asks for, oldest and newest versions
	@for versions in lowest-direct highest; do \
		$(BIN)/uv venv --quiet --clear --python 3.11 .venv-bare && \
		VIRTUAL_ENV=.venv-bare $(BIN)/uv pip install --quiet --compile-bytecode --no-config --resolution $$versions \
			-r pyproject.toml release/*.whl && \
		STUDENTS_PYTHON=$(CURDIR)/.venv-bare/bin/python $(RUN) python -m pytest \
			tests/project/test_run_all.py || exit 1; \
	done

lint: $(STAMP)  ## ruff (notebooks too), mypy, plain words, and no outputs in notebooks
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python tools/words.py
	@$(BIN)/nbstripout --keep-id --verify source/*/*.ipynb release/*/*.ipynb

lab: $(STAMP)  ## JupyterLab in the course, with nbgrader's extensions
	@$(RUN) -u SKIPGRADE_DATASET jupyter lab

bench-grading: $(STAMP)  ## a class by stock nbgrader and by skipgrade grade (N=16)
	@$(RUN) python bench/grading.py $(or $(N),16)

bench-isolation: $(STAMP)  ## attacks on an ordinary kernel and on ours, as a table
	@$(RUN) python bench/isolation.py

bench-training: $(STAMP)  ## lab.fit against a loop by hand, on this machine
	@$(RUN) python bench/training.py lenet5 resnet20 --images 6400

results: $(STAMP)  ## the table and the picture of reference runs in docs/results.md
	@$(RUN) python bench/results.py

messages: $(STAMP)  ## docs/messages.md: what students are told of single mistakes
	@mkdir -p build
	@$(RUN) OMP_NUM_THREADS=1 python -m tests.assignments.messages > build/messages.md
	@mv build/messages.md docs/messages.md

release: $(STAMP)  ## regenerate release/ from source/
	@$(RUN) skipgrade release

lock: $(STAMP)  ## compile requirements.lock from pyproject.toml (UPGRADE=1 for newest)
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra staff --extra dev \
		--universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
		--no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock
	@echo "requirements.lock is compiled"

image:  ## a container image of the grader (DOCKER=podman builds it with podman)
	@$(or $(DOCKER),docker) build --tag skipgrade .

manifest: $(STAMP)  ## check docs/kubernetes.yaml against the schemas of Kubernetes 1.25 and 1.37
	@for version in 1.25 1.37; do \
		$(BIN)/uv tool run --quiet --from kubernetes-validate==1.37.0 \
			kubernetes-validate --quiet --strict -k $$version docs/kubernetes.yaml || exit 1; \
	done

# Without the configuration in pyproject.toml, which holds torch and torchvision to the newest pair.
lock-oldest: $(STAMP)  ## compile requirements-oldest.lock: the lower bounds, for Python 3.11
	@rm -f requirements-oldest.lock
	@$(BIN)/uv pip compile --quiet --no-config pyproject.toml --extra staff --extra dev \
		--python-version 3.11 --resolution lowest-direct --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --output-file requirements-oldest.lock
	@echo "requirements-oldest.lock is compiled"

install: $(STAMP)  ## build .venv from requirements.lock

clean:  ## remove what was built, the environment included
	rm -rf $(VENV) .venv-oldest .venv-bare build dist .mypy_cache .ruff_cache .pytest_cache

$(STAMP): requirements.lock pyproject.toml skipgrade/__init__.py
	@$(or $(PYTHON),false) -c '$(USABLE)' || { echo >&2 "No usable Python: skipgrade needs" \
		"Python 3.11, 3.12 or 3.13 with venv. Install one, or name it: make PYTHON=/path/to/python3"; \
		exit 1; }
	@test -x $(BIN)/pip || { echo "Building $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear $(VENV); }
	@sed -n '/^uv==/,/# via/p' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@echo "Installing requirements.lock (PyTorch makes this a few gigabytes the first time)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --compile-bytecode --require-hashes -r requirements.lock \
		|| { echo "uv could not install; trying pip, which reads pip.conf"; \
			$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q skipgrade tests
	@touch $@
