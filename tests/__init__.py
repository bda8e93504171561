"""The promises of taskrealtime, each as a test at the level where it can break.

Units are in `unit`, running servers in `flows`, real browsers in `browser`, kills and outages in `faults`, and the
JavaScript in `js`. What they are written with is in `support`; `services` brings up PostgreSQL, Redis and Chromium.
"""
