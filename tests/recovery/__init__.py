"""Native recovery: dropped connections that are restored (promise 8)."""
