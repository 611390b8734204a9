# Each target is one command; `make start PYTHON=python3.12` chooses the Python.
PYTHON ?= python3
BOOTSTRAP = $(PYTHON) lakebook/bootstrap.py

.PHONY: start test book labs lock clean

start:
	@$(BOOTSTRAP) start

test:
	@$(BOOTSTRAP) test

book:
	@$(BOOTSTRAP) book

labs:
	@$(BOOTSTRAP) labs

lock:
	@$(BOOTSTRAP) lock

clean:
	@$(BOOTSTRAP) clean
