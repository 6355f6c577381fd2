"""A server's metrics, as Prometheus reads them."""

from __future__ import annotations

import aiohttp
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[str, ...]], float]


async def scrape(server: TestServer) -> Samples:
    """Return each sample by its name and its labels' values."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/metrics")) as response,
    ):
        assert response.content_type == "text/plain"
        text = await response.text()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
