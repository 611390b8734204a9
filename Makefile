# Each target is one command. `make start PYTHON=python3.12` chooses the Python; OPTIONS are those
# of the command behind the target, such as `make start OPTIONS=--no-browser`.
PYTHON ?= python3
OPTIONS ?=

.PHONY: start test book labs install lock clean

start test book labs install lock clean:
	@$(PYTHON) lakebook/bootstrap.py $@ $(OPTIONS)
