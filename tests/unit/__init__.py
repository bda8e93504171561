"""Promises of single parts, tested inside the pytest process: some ask its database or Redis, none starts a server."""
