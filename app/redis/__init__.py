"""Connections to Redis: one for commands and one for pub/sub. redis-py opens them."""
