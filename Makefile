# `make` alone lists the commands. Each one installs what is missing first, may be interrupted, and may be run again.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install demo up down status test bench lint clean url lock

PYTHON_BIN := .venv/bin/python
RUNTIME := $(PYTHON_BIN) -m runtime
# dbt and airflow are called by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Every process imports several hundred modules: compiled once, they load in a third of the time.
unexport PYTHONDONTWRITEBYTECODE
ifdef DATASET
export CX_DATASET := $(DATASET)
endif

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make .venv from the locked requirements (done by every other command)
	@./runtime/install.sh

demo: install ## From nothing to published next best actions; DATASET=nordhaus (default) or complete_journey
	@$(RUNTIME) demo

up: install ## Start PostgreSQL, Airflow and MLflow
	@$(RUNTIME) up

down: install ## Stop everything; not one process is left
	@$(RUNTIME) down

status: install ## Show every service, the addresses and where the passwords are
	@$(RUNTIME) status

test: install ## Everything that CI runs: the quick tests, then the whole walk
	@echo "Lint"
	@$(PYTHON_BIN) -m ruff check .
	@echo "Quick tests, each room on a PostgreSQL of its own (minutes)"
	@$(PYTHON_BIN) -m pytest -m "not walk" -n 3 --dist loadfile --no-loadscope-reorder --durations=40
	@echo "The walk: the real data through Airflow, twice, with killed services (many minutes)"
	@$(PYTHON_BIN) -m pytest -m walk --durations=40

bench: install ## Measure ours beside the floor; NAME=landing runs one
	@for name in $(if $(NAME),$(NAME),$(filter-out __init__,$(notdir $(basename $(wildcard bench/*.py))))); do \
	  echo "bench.$$name"; $(PYTHON_BIN) -m bench.$$name; done

lint: install ## Check style and the walls between rooms
	@$(PYTHON_BIN) -m ruff check .

clean: install ## Stop everything and remove CX_HOME; asks first unless YES=1
	@$(RUNTIME) clean $(if $(YES),--yes)

url: install ## Print the connection URL of a role: make -s url ROLE=cx_bi
	@$(RUNTIME) url $(if $(ROLE),$(ROLE),$(error say which role: make -s url ROLE=cx_bi))

lock: install ## Write requirements.txt anew from requirements.in
	@$(PYTHON_BIN) -m uv pip compile --universal --generate-hashes --python-version 3.11 requirements.in -o requirements.txt -q
