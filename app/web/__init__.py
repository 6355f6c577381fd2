"""What is served over HTTP beside Socket.IO: health and the console."""
