"""What messages look like: the envelope, a payload for each type, the requests, the registry.

Everything else that lists types is made from here. Nothing here knows of sockets or brokers.
"""
