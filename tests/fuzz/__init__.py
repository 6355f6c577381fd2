"""Fuzzing: what strangers, workers and Redis may send, mutated, against what reads it."""
