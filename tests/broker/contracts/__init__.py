"""Suites of the interfaces of a backend. A test module runs one on an implementation so:

class TestMyBroker(BrokerContract):
    @pytest.fixture
    async def make_broker(self, clock, listener): ...
"""
