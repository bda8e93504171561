"""Promises of running servers, tested from outside over sockets and HTTP."""
