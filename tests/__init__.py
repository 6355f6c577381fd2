"""Tests, in the shape of what they test; `support` holds what they share."""
