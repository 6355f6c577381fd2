"""Socket.IO: packets, clients, the server and its managers, at python-socketio's seams.

Written against python-socketio 5.18.1 and python-engineio 4.15.1; `tests/realtime/test_seams.py`
fails when a seam that is overridden here has changed.
"""
