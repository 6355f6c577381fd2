"""Handling of requests that all ways in share: answers and the expiry of tokens."""
