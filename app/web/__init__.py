"""The way in by HTTP: health, metrics, and the console."""
