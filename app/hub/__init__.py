"""The Hub: everything that happens is a message, and passes through it once."""
