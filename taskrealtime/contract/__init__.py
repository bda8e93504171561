"""The catalogue of client events, server events and objects: the one source of their types."""
