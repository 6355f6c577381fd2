"""Screenshots of the console for the docs, of a real server with people and agents on it."""
