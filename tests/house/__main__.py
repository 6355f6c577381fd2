"""Write the table of rooms into docs/design.md: `make rooms`."""

from __future__ import annotations

from tests.house.docs import DESIGN, with_rooms

if __name__ == "__main__":
    DESIGN.write_text(with_rooms(DESIGN.read_text()))
