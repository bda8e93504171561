"""Makes models of any project live: every change of a row, by whichever program, is an event of a room."""

from .declaring import live

__all__ = ["live"]
