"""Plain WebSockets: the way in for members without a Socket.IO library (docs/protocol.md)."""
