"""The way in through Redis: emits of stock managers, and the event bus."""
