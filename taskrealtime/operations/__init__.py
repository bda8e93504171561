"""Health probes and system checks, for operators of the server."""
