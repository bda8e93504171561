"""Django's user with a UUID for a key, and with fields and relations named as ours might be."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    preferences = models.JSONField(default=dict, blank=True)
    last_seen = models.DateTimeField(null=True)
    session_version = models.PositiveIntegerField(default=0)


class Person(User):
    """The same, by another name."""

    class Meta:
        proxy = True


class Job(models.Model):
    """What a user works on, in this project's own words."""

    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="assigned_tasks"
    )
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="created_tasks"
    )
    tasks_of = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="tasks")
    projects_of = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="projects")
    comments_of = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="comments")
    memberships_of = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="memberships")
    task_comments_of = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="task_comments")

    def __str__(self) -> str:
        return f"Job {self.pk}"
