"""The ways of a connection, whatever its protocol: frames, flow control, rooms, heartbeat."""
