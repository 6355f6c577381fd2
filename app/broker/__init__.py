"""Order, keep and spread messages: one small contract, `Broker`, and what implements it."""
