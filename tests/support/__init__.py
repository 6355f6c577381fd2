"""A server, its clients and a Redis, all real, as tests want them."""
