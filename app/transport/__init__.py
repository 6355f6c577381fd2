"""Connections, whatever their protocol: frames, flow control, rooms, heartbeat."""
