"""Removes for good what can no longer be used: what was deleted long ago, invitations and requests."""

from datetime import datetime

from . import AdditionRequest, Deletion, Invitation, Project, Task, TaskQuerySet

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


def purge_deletions(cutoff: datetime, limit: int) -> int:
    """Remove up to `limit` deletions before `cutoff`, of projects with all that is in them. Return how many."""
    old = Deletion.objects.filter(deleted_at__lt=cutoff).order_by("deleted_at")
    done = 0
    for pk, kind, project_id in list(old.values_list("pk", "kind", "project_id")[:limit]):
        if kind == "project":
            purge_project(project_id, cutoff)
        done += old.filter(pk=pk).delete()[0] > 0 or kind == "project"
    return done


def purge_project(project_id: int, cutoff: datetime) -> None:
    """Remove a project that was deleted before `cutoff`, its comments first, unless it was restored meanwhile."""
    overdue = Project.all_objects.filter(pk=project_id, deleted_at__lt=cutoff)
    while overdue.exists() and Task.all_objects.filter(project__in=overdue).purge_comments(COMMENTS) == COMMENTS:
        pass
    overdue.delete()
