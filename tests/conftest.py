"""Where the fixtures are that any room may use."""

pytest_plugins = [
    "tests.fixtures.clients",
    "tests.fixtures.logs",
    "tests.fixtures.node",
    "tests.fixtures.processes",
    "tests.fixtures.redis",
    "tests.fixtures.servers",
]
