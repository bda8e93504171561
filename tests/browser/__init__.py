"""Promises of the pages, tested in Chromium by what a person sees and does."""
