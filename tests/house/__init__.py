"""The house: how the source is laid out, and the tests that hold it so."""
