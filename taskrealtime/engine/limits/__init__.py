"""Bounds and fair shares: rate limits, connections, addresses."""
