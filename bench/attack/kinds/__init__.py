"""Attacks, one kind in each file; `bench.attack.registry` finds them."""
