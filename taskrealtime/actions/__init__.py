"""Every change that a user can ask for: check, then do, in one transaction each."""

from .tasks import ACTIONS, MAX_INVITATIONS, MAX_LABELS, Action, accept_invitation, create_project, perform, sign_up

__all__ = [
    "ACTIONS",
    "MAX_INVITATIONS",
    "MAX_LABELS",
    "Action",
    "accept_invitation",
    "create_project",
    "perform",
    "sign_up",
]
