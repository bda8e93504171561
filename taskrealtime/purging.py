"""Removes for good the tasks that were deleted too long ago to be restored."""

from datetime import datetime

from .models import Task


def purge_deleted_tasks(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` tasks that were deleted before `cutoff`; nobody is told. Returns how many.

    Each in a transaction of its own, with its comments: a task that was restored meanwhile is left alone.
    """
    overdue = Task.all_objects.filter(deleted_at__lt=cutoff)
    pks = list(overdue.order_by("deleted_at").values_list("pk", flat=True)[:limit])
    return sum(overdue.filter(pk=pk).purge() for pk in pks)
