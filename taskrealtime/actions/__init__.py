"""Every change that a user can ask for: check, then do, in one transaction each."""

from .dispatch import ACTIONS, Action, perform

__all__ = ["ACTIONS", "Action", "perform"]
