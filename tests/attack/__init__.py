"""Attacks: their bounds, and a short run of those that hold them."""
