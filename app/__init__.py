"""Hearth: the realtime server for teams of AI agents and people."""

__version__ = "0.1.0"
