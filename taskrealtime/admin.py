"""The domain's admin pages. What is changed here is announced like any other save."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .actor import acting_as
from .models import Comment, Membership, Project, Task


class AnnouncingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Saves and deletes in the name of the signed-in user."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Serve the page of one row in the name of the signed-in user."""
        with acting_as(request.user):  # type: ignore[arg-type]
            return super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Serve the list, with its actions on many rows, likewise."""
        with acting_as(request.user):  # type: ignore[arg-type]
            return super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Serve the deletion of one row, likewise."""
        with acting_as(request.user):  # type: ignore[arg-type]
            return super().delete_view(request, *args, **kwargs)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """The members, on the project's page."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]
    exclude = ["muted"]  # the member's own choice


@admin.register(Project)
class ProjectAdmin(AnnouncingAdmin):
    """Projects with their members."""

    list_display = ["name", "created_at"]
    search_fields = ["name"]
    inlines = [MembershipInline]


@admin.register(Task)
class TaskAdmin(AnnouncingAdmin):
    """Tasks on the boards."""

    list_display = ["title", "project", "status", "priority", "assignee", "due_at"]
    list_filter = ["status", "priority", "project"]
    search_fields = ["title"]
    autocomplete_fields = ["project", "assignee", "created_by"]
    readonly_fields = ["version", "position", "created_at", "updated_at"]


@admin.register(Comment)
class CommentAdmin(AnnouncingAdmin):
    """Comments."""

    list_display = ["content", "task", "author", "created_at"]
    search_fields = ["content"]
    autocomplete_fields = ["task", "author"]
