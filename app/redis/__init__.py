"""Two connections to Redis: one for commands, one for what is published. redis-py opens them."""
