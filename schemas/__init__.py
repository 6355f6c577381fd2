"""Schemas of messages: the envelope, a payload for each type, the requests, and the registry.

Everything else that lists types is generated from these. They depend on the rules of names in
`app/core/channel.py`, and on nothing else.
"""
