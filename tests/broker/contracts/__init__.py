"""Suites for the contracts of a backend. A test module holds an implementation to one so:

class TestMyBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, clock, listener): ...
"""
