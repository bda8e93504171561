"""Removes for good what can no longer be used: old deleted tasks, invitations and requests."""

from datetime import datetime

from . import AdditionRequest, Invitation, Task, TaskQuerySet

#: Comments of one transaction: a task may have tens of thousands.
COMMENTS = 500


def purge_deleted_tasks(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` tasks that were deleted before `cutoff`, without events. Return how many.

    Each in transactions of its own, its comments first: a task that was restored meanwhile is left alone, with those
    comments that it still has.
    """
    overdue = Task.all_objects.filter(deleted_at__lt=cutoff)
    pks = list(overdue.order_by("deleted_at").values_list("pk", flat=True)[:limit])
    return sum(_purge(overdue.filter(pk=pk)) for pk in pks)


def _purge(task: TaskQuerySet) -> int:
    while task.purge_comments(COMMENTS) == COMMENTS:
        pass
    return task.purge()


def purge_invitations(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` invitations whose time ended before `cutoff`. Return how many."""
    old = Invitation.objects.filter(expires_at__lt=cutoff).order_by("expires_at").values_list("pk", flat=True)
    return Invitation.objects.filter(pk__in=list(old[:limit])).delete()[0]


def purge_requests(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` requests that were not answered since `cutoff`. Return how many."""
    old = AdditionRequest.objects.filter(created_at__lt=cutoff).order_by("created_at").values_list("pk", flat=True)
    return AdditionRequest.objects.filter(pk__in=list(old[:limit])).delete()[0]
