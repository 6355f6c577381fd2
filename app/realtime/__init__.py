"""The Socket.IO side: packets, server, managers and the fan-out, at python-socketio's seams.

Written against python-socketio 5.18.1 and python-engineio 4.15.1; `tests/realtime/test_seams.py`
fails when a seam that is overridden here has changed.
"""
