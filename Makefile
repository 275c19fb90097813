# `make` alone lists what there is. Works with the GNU make 3.81 of macOS, too.

SHELL := /bin/sh
# Modules, rather than the scripts beside it: those stop working in a folder that was moved.
VENV_PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.complete
FRENCH := src/config/locale/fr/LC_MESSAGES/django.po
LOCK := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate pyproject.toml

KILLS := 50
REPLICAS := 3
LOAD := PYTHONPATH=src DJANGO_SETTINGS_MODULE=config.settings $(VENV_PYTHON) -m tests.load
AS_ASKED = $(if $(USERS),--users $(USERS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE))
# Beside what `make run` keeps.
STACK := COMPTOIR_DATA="$${COMPTOIR_DATA:-var/stack}" $(VENV_PYTHON) manage.py stack

.DEFAULT_GOAL := help
.PHONY: help audit events openapi run stack stack-down test test-long coverage pytest format lint types boundaries boundaries-check policy kills bench volume load load-compare soak outage lock messages screenshots
# The checks in their order, and the tests' own summary last, whatever -j says.
.NOTPARALLEL:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(ENVIRONMENT) ## start everything on this machine, until Ctrl-C
	@$(VENV_PYTHON) manage.py run

stack: $(ENVIRONMENT) ## start replicas behind nginx, and return; make stack REPLICAS=3 REDIS=1 CACHE=1
	@$(STACK) --replicas $(REPLICAS) $(if $(REDIS),--redis) $(if $(CACHE),--cache)

stack-down: $(ENVIRONMENT) ## stop what make stack has started
	@$(STACK) --down

test: lint types boundaries-check pytest ## run all checks and all tests

pytest: $(ENVIRONMENT)
	@deploy/install-test-tools
	@$(VENV_PYTHON) -m pytest -n auto

test-long: $(ENVIRONMENT) ## run the longer forms of the tests, which make test leaves out
	@deploy/install-test-tools
	@$(VENV_PYTHON) -m pytest -n auto -m long -o faulthandler_timeout=0

coverage: $(ENVIRONMENT) ## run make test's tests, and say which lines they do not reach
	@deploy/install-test-tools
	@$(VENV_PYTHON) -m pytest -n auto --cov

format: $(ENVIRONMENT) ## put the code into its one format
	@$(VENV_PYTHON) -m ruff check --fix .
	@$(VENV_PYTHON) -m ruff format .

lint: $(ENVIRONMENT) ## check the format and the common mistakes
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m bandit --quiet --recursive src --configfile pyproject.toml

audit: $(ENVIRONMENT) ## look the packages up in PyPI's list of known vulnerabilities (needs the internet)
	@$(VENV_PYTHON) -m pip_audit --strict --require-hashes --disable-pip --requirement deploy/requirements.txt

types: $(ENVIRONMENT) ## check the types
	@$(VENV_PYTHON) -m mypy

boundaries: $(ENVIRONMENT) ## draw the map of the modules into docs/modules.md
	@$(VENV_PYTHON) -m tests.boundaries.module_map

policy: $(ENVIRONMENT) ## write the table of who may do what into docs/security.md
	@PYTHONPATH=src $(VENV_PYTHON) -m tests.accounts.policy_table

events: $(ENVIRONMENT) ## describe the events in docs/events
	@PYTHONPATH=src DJANGO_SETTINGS_MODULE=config.settings $(VENV_PYTHON) -m tests.events.documents

openapi: $(ENVIRONMENT) ## write the OpenAPI document into docs/openapi.json
	@$(VENV_PYTHON) manage.py openapi > docs/openapi.json

boundaries-check: $(ENVIRONMENT)
	@PYTHONPATH=src $(VENV_PYTHON) .venv/bin/lint-imports

# What Django or the admin's theme marks, and not our own code, counts as obsolete for gettext: it is taken back.
messages: $(ENVIRONMENT) ## collect the texts to translate into French, and compile them (needs gettext)
	@cd src && ../$(VENV_PYTHON) ../manage.py makemessages --locale fr --no-location --no-wrap
	@sed -i.old -e 's/^#~ //' -e '/^"POT-Creation-Date/d' -e '/^"Report-Msgid/d' $(FRENCH) && rm $(FRENCH).old
	@cd src && ../$(VENV_PYTHON) ../manage.py compilemessages --locale fr

screenshots: $(ENVIRONMENT) ## take pictures of every page with the demonstration's data into docs/img
	@COMPTOIR_SCREENSHOTS=docs/img $(VENV_PYTHON) -m pytest -q tests/browser/test_screenshots.py

kills: $(ENVIRONMENT) ## kill processes at random while people buy; make kills KILLS=50
	@COMPTOIR_KILLS=$(KILLS) $(VENV_PYTHON) -m pytest -q -s -o faulthandler_timeout=0 tests/journeys/test_kills.py

bench: $(ENVIRONMENT) ## measure every kind of request, through nginx, against the database alone
	@deploy/install-test-tools
	@$(VENV_PYTHON) -m tests.bench

volume: $(ENVIRONMENT) ## compare a chain with 100,000 lines sold and one with 10 million (an hour the first time that day)
	@$(VENV_PYTHON) -m tests.volume

load: $(ENVIRONMENT) ## let many people in, and prove the books; make load SCENARIO=shop-day USERS=50 SECONDS=60 RATE=500
	@deploy/install-test-tools
	@$(LOAD) run $(AS_ASKED) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(PIECES),--pieces $(PIECES)) \
		--replicas $(REPLICAS) $(if $(REDIS),--redis) $(if $(CACHE),--cache)

load-compare: $(ENVIRONMENT) ## compare one replica, three, nginx, Redis and nginx's cache; make load-compare USERS=50 SECONDS=60
	@deploy/install-test-tools
	@$(LOAD) compare $(AS_ASKED)

soak: $(ENVIRONMENT) ## a shop day for long, in which nothing may grow; make soak MINUTES=30
	@deploy/install-test-tools
	@$(LOAD) soak --minutes $(or $(MINUTES),30) $(if $(USERS),--users $(USERS)) $(if $(RATE),--rate $(RATE))

outage: $(ENVIRONMENT) ## sell while the broker is there, away and back, and see what arrives; make outage SECONDS=60
	@PYTHONPATH=src $(VENV_PYTHON) -m tests.events.outage --seconds $(or $(SECONDS),60)

lock: ## pin the packages that pyproject.toml asks for (needs uv)
	@$(LOCK) --output-file deploy/requirements.txt
	@$(LOCK) --group dev --output-file deploy/requirements-dev.txt

$(ENVIRONMENT): deploy/requirements-dev.txt deploy/make-environment
	@deploy/make-environment
	@touch $@
