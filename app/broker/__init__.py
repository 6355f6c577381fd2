"""Backends: brokers, presence, due statuses and sessions, in memory or in Redis."""
