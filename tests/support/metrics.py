"""A server's metrics, as Prometheus reads them."""

from __future__ import annotations

import aiohttp
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[str, ...]], float]


async def scrape(server: TestServer | str) -> Samples:
    """Return each sample of a server, or a URL, by its name and its labels' values."""
    base = server if isinstance(server, str) else str(server.make_url("/")).rstrip("/")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base}/metrics") as response,
    ):
        assert response.content_type == "text/plain"
        text = await response.text()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
