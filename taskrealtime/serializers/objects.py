"""From rows to the objects of the catalogue."""

from msgspec import UNSET

from taskrealtime.contract.events import (
    Actor,
    CommentObject,
    LabelObject,
    MemberObject,
    ProjectObject,
    TaskObject,
)
from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.catalogue import user_object as user_object
from taskrealtime.models import Comment, Membership, Project, Task


def actor_object(user: User | None) -> Actor | None:
    """Return the user that did it, for an event; None for the system."""
    return Actor(id=user.pk, username=user_model.username(user)) if user else None


def project_object(project: Project) -> ProjectObject:
    """Return a project."""
    return ProjectObject(
        id=project.pk, name=project.name, created_at=project.created_at, labels=label_objects(project) or UNSET
    )


def label_objects(project: Project) -> list[LabelObject]:
    """Return a project's labels."""
    return [LabelObject(**label) for label in project.labels]


def member_object(membership: Membership) -> MemberObject:
    """Return a member; reads the user if it was not selected."""
    return MemberObject(user=user_object(membership.user), role=membership.role)  # type: ignore[arg-type]


def task_object(task: Task) -> TaskObject:
    """Return a task; counts its comments unless `with_comment_count` did."""
    count = task.comments_now if hasattr(task, "comments_now") else task.comments.count()
    return TaskObject(
        id=task.pk,
        project_id=task.project_id,
        title=task.title,
        description=task.description,
        status=task.status,  # type: ignore[arg-type]
        priority=task.priority,  # type: ignore[arg-type]
        assignee_id=task.assignee_id,
        due_at=task.due_at,
        position=task.position,
        comment_count=count,
        created_by_id=task.created_by_id,
        created_at=task.created_at,
        updated_at=task.updated_at,
        version=task.version,
        labels=task.labels or UNSET,
    )


def shown_task_object(task: Task, project: Project | None = None) -> TaskObject:
    """As `task_object`, without labels that were deleted; reads the project if it is neither given nor selected."""
    shown = task_object(task)
    if task.labels:
        there = (project or task.project).label_ids
        shown.labels = [label for label in task.labels if label in there] or UNSET
    return shown


def comment_object(comment: Comment) -> CommentObject:
    """Return a comment; reads task and author if they were not selected."""
    return CommentObject(
        id=comment.pk,
        task_id=comment.task_id,
        project_id=comment.task.project_id,
        author=user_object(comment.author) if comment.author else None,
        content=comment.content,
        content_html=comment.html,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
    )
