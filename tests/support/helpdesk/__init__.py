"""An app of others: a help desk, whose models are live."""
