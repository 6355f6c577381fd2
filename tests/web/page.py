"""The console in a browser, by what a person sees and does there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from playwright.async_api import ConsoleMessage, Error, Locator, Page, expect


class ConsolePage:
    """One page with the console in it; `unexpected` holds what it complained of.

    Args:
        page: whose errors are watched from here on.
        expected: regular expressions of complaints that the test provokes itself.
    """

    def __init__(self, page: Page, expected: Sequence[str] = ()) -> None:
        self.page = page
        self.unexpected: list[str] = []
        self._expected = expected
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)

    @property
    def messages(self) -> Locator:
        """The messages of the channel that is shown."""
        return self.page.get_by_role("log").locator(".message:visible")

    @property
    def texts(self) -> Locator:
        """What those messages say."""
        return self.messages.locator(".text")

    @property
    def notes(self) -> Locator:
        """The lines that tell of the connection."""
        return self.page.get_by_role("log").locator(".note")

    @property
    def recovered(self) -> Locator:
        """What the messages say that were missed and filled in."""
        return self.page.locator(".message.recovered .text")

    @property
    def drop_button(self) -> Locator:
        """The button that drops the connection."""
        return self.page.get_by_role("button", name="Drop connection", include_hidden=True)

    @property
    def countdown(self) -> Locator:
        """How long the connection stays dropped."""
        return self.state.locator("[aria-hidden]")

    @property
    def members(self) -> Locator:
        """Who is in the channel that is shown."""
        return self.page.locator("#members li")

    @property
    def state(self) -> Locator:
        """The state of the connection."""
        return self.page.locator("#state")

    @property
    def send_error(self) -> Locator:
        """What went wrong with publishing."""
        return self.page.locator("#send-error")

    @property
    def join_error(self) -> Locator:
        """What went wrong with joining."""
        return self.page.locator("#join-error")

    @property
    def connection_error(self) -> Locator:
        """What went wrong with the connection."""
        return self.page.locator("#connection-error")

    @property
    def find(self) -> Locator:
        """Where one writes what to look for in the messages."""
        return self.page.get_by_role("searchbox")

    @property
    def inspector(self) -> Locator:
        """All that is known of one message."""
        return self.page.locator("#inspector")

    @property
    def others(self) -> Locator:
        """The channels that one isn't in."""
        return self.page.locator("#directory-list li")

    async def connect(self, namespace: str = "/circles", token: str = "") -> None:
        """Ask for a connection, where the page hasn't asked by itself."""
        await self.page.get_by_label("Namespace").select_option(namespace)
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Connect", exact=True).click()

    async def join(self, channel: str = "dev-team", namespace: str = "/circles") -> None:
        """Join a channel and wait until it is shown."""
        await expect(self.state).to_have_text("connected")
        await self.page.get_by_label("Namespace").select_option(namespace)
        await self.page.get_by_label("Channel", exact=True).fill(channel)
        await self.page.get_by_role("button", name="Join", exact=True).click()
        await self.shows(channel)

    async def shows(self, channel: str = "dev-team") -> None:
        """Wait until a channel is shown."""
        await expect(self.page.locator("#title")).to_have_text(channel)

    async def waits(self) -> None:
        """Wait until the connection is lost, and the next attempt counted down to."""
        await expect(self.state).to_have_attribute("data-state", "waiting")

    async def inspect(self, offset: int) -> None:
        """Look at the whole of a message."""
        await self.messages.locator(".inspect").filter(has_text=f"#{offset}").click()
        await expect(self.inspector).to_be_visible()

    async def choose(self, menu: str, *names: str) -> None:
        """Choose some of what there is to filter by: of `types` or of `senders`."""
        details = self.page.locator(f"#{menu}")
        await details.locator("summary").click()
        for name in names:
            await details.get_by_label(name).check()
        await self.page.keyboard.press("Escape")

    async def say(self, text: str) -> None:
        """Write a text and send it with Enter."""
        field = self.page.get_by_label("Text", exact=True)
        await field.fill(text)
        await field.press("Enter")

    async def send_json(self, name: str, payload: str) -> None:
        """Choose a type, write its payload and send it."""
        await self.page.get_by_label("Type", exact=True).select_option(name)
        await self.page.get_by_label("Payload (JSON)").fill(payload)
        await self.page.get_by_role("button", name="Send").click()

    async def stop_the_clock(self) -> None:
        """Let no time pass on the page; its clock must have been installed before it was loaded."""
        now_ms = await self.page.evaluate("Date.now()")
        await self.page.clock.pause_at((now_ms + 1000) / 1000)

    async def come_back(self) -> None:
        """Let the time pass for which a dropped connection stays away."""
        while await self.countdown.is_visible():
            await self.page.clock.run_for(1000)
        await self.page.clock.resume()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(f"{message.text} ({message.location['url']})")

    def _on_error(self, error: Error) -> None:
        self._complain(f"{error.message}\n{error.stack}")

    def _complain(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self._expected):
            self.unexpected.append(text)
