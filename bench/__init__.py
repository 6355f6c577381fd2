"""Measure Hearth beside its peers: `make bench`; bench/README.md says what is measured."""
