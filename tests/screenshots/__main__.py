"""Take the docs' pictures of the console anew: `make screenshots`."""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from pathlib import Path
from typing import Final, Literal, NamedTuple

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.screenshots.scene import CHAT, LOGS, Scene
from tests.support.chromium import Chromium
from tests.support.process import ROOT, UNLIMITED, HearthProcess

IMAGES: Final = ROOT / "docs/images"
QUALITY: Final = 82
PATIENCE_MS: Final = 60_000
PLACES: Final = ("/circles/dev-team", f"/feeds/{LOGS}", f"/chat/{CHAT}")


class Picture(NamedTuple):
    """One picture.

    Args:
        place: the channel that is shown.
        view: how it is shown, as the console's address says it.
        size: in CSS pixels.
        text: what stands on the page once it is ready.
    """

    name: str
    place: str
    view: str
    size: tuple[int, int]
    colours: Literal["light", "dark"]
    text: str

    @property
    def address(self) -> str:
        """What follows the URL of the console."""
        others = [f"also={place}" for place in PLACES if place != self.place]
        return f"#{self.place}?{'&'.join([self.view, *others])}"


DESKTOP: Final = 1360, 800
PHONE: Final = 390, 780
CIRCLE, FEED, ANSWER = PLACES
PICTURES: Final = (
    Picture("console", CIRCLE, "at=3", DESKTOP, "light", "tell the customers."),
    Picture("console-feed", FEED, "type=log&at=37", DESKTOP, "dark", "gateway slow"),
    Picture("console-phone", ANSWER, "", PHONE, "light", "idempotency key"),
    Picture("console-phone-dark", FEED, "", PHONE, "dark", "order paid"),
)


async def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    chromium = Chromium()
    with tempfile.TemporaryDirectory() as directory:
        process = await HearthProcess(Path(directory), template=None, **UNLIMITED).start()
        scene = Scene(process.url)
        try:
            await scene.play()
            async with async_playwright() as playwright:
                browser = await playwright.chromium.connect_over_cdp(chromium.url)
                for picture in PICTURES:
                    await take(browser, process.url, picture)
        finally:
            await scene.close()
            await process.stop()
            chromium.close()


async def take(browser: Browser, url: str, picture: Picture) -> None:
    """Open the console as the picture wants it, and write the picture."""
    width, height = picture.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=picture.colours,
        device_scale_factor=2,
        locale="en-GB",
        timezone_id="UTC",
    )
    page = await context.new_page()
    await page.goto(f"{url}/{picture.address}")
    expect.set_options(timeout=PATIENCE_MS)
    await expect(page.get_by_text(picture.text).first).to_be_visible()
    await expect(page.locator("#latency")).to_have_text(re.compile(r"^\d\d?(\.\d)? ms$"))
    await expect(page.locator(".channels-of")).to_have_count(len(PLACES))
    image = await capture(page)
    path = IMAGES / f"{picture.name}.webp"
    path.write_bytes(image)
    await context.close()


async def capture(page: Page) -> bytes:
    """Return the page as WebP, which Playwright doesn't write."""
    session = await page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": QUALITY}
    answer = await session.send("Page.captureScreenshot", asked)
    return base64.b64decode(answer["data"])


if __name__ == "__main__":
    asyncio.run(main())
