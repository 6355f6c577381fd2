"""The Hub: everything that happens is a message that passes through it, once."""
