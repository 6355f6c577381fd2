"""Engine.IO (protocol 4): its server, its sessions, and the listener in front of aiohttp."""
