"""Promises of delivery, tested while servers, databases, networks and clients fail."""
