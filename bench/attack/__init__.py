"""Attacks: programs that try to hurt a server, and what a bystander feels of each."""
