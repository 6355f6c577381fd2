"""Dropped connections that are restored (contract §4, promise 8)."""
