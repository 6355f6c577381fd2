"""Rules without I/O and without a clock: `now` is always an argument, in seconds since 1970."""
