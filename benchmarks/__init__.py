"""Benchmarks of taskrealtime and other servers: `make bench`."""
