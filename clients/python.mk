# The types of the library for Python; included by the Makefile.
PYTHON_CLIENT := clients/python

.PHONY: types-python

types-python: .venv/runtime
	$(BIN)/python -m schemas.json_schema | $(BIN)/python $(PYTHON_CLIENT)/scripts/generate_types.py > .payloads.py
	mv .payloads.py $(PYTHON_CLIENT)/hearth_realtime/payloads.py
