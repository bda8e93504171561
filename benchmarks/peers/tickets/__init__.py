"""A project with one model, whose saves one of several packages reports: see saver.py."""
