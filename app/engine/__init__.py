"""Engine.IO (protocol 4): its server, its sessions, and the door in front of aiohttp."""
