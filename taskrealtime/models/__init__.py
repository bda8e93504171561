"""The board's models: projects and members, tasks and comments, notifications and preferences."""

from .deletions import Deletion
from .fields import IdsField, PositionField
from .preferences import Preferences
from .projects import AdditionRequest, Block, Invitation, Membership, Project
from .tasks import AT_ONCE, Comment, Reminder, Task, TaskQuerySet

__all__ = [
    "AT_ONCE",
    "AdditionRequest",
    "Block",
    "Comment",
    "Deletion",
    "IdsField",
    "Invitation",
    "Membership",
    "PositionField",
    "Preferences",
    "Project",
    "Reminder",
    "Task",
    "TaskQuerySet",
]
