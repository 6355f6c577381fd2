"""Where the fixtures are that any room may use, and what pytest is told."""

pytest_plugins = [
    "tests.fixtures.clients",
    "tests.fixtures.logs",
    "tests.fixtures.node",
    "tests.fixtures.processes",
    "tests.fixtures.proxies",
    "tests.fixtures.redis",
    "tests.fixtures.servers",
    "tests.fixtures.settings",
    "tests.support.marks",
    "tests.support.properties",
    "tests.support.reruns",
]
