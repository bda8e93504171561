"""Health probes and system checks, for those who run the server."""
