"""Plain WebSocket endpoints: members like any other, without a Socket.IO library (contract §6)."""
