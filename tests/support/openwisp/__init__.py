"""A project around openwisp-users, as its documentation describes: its distribution has none."""
