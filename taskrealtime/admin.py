"""The domain's admin pages. What is changed here is announced like any other save."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.http import HttpRequest

from .actor import acting_as
from .models import Comment, Membership, Project, Task


class AutocompleteFields(admin.options.BaseModelAdmin):  # type: ignore[type-arg]
    """Has foreign keys that are chosen by typing; by key, if no admin page of the other model can search.

    That of users is the project's own, if there is one.
    """

    #: The names of these foreign keys.
    autocompleted: Sequence[str] = ()

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Return those that are chosen by typing."""
        return [name for name in self.autocompleted if self._is_searched(self.model._meta.get_field(name))]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """As Django's, which would list all rows."""
        if db_field.name in self.autocompleted and not self._is_searched(db_field):
            kwargs["widget"] = ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _is_searched(self, field: Any) -> bool:
        other = self.admin_site._registry.get(field.remote_field.model)
        return bool(other and other.search_fields)


class AnnouncingAdmin(AutocompleteFields, admin.ModelAdmin):  # type: ignore[type-arg]
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


class MembershipInline(AutocompleteFields, admin.TabularInline):  # type: ignore[type-arg]
    """The members, on the project's page."""

    model = Membership
    extra = 0
    autocompleted = ["user"]
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
    autocompleted = ["project", "assignee", "created_by"]
    readonly_fields = ["version", "position", "created_at", "updated_at"]


@admin.register(Comment)
class CommentAdmin(AnnouncingAdmin):
    """Comments."""

    list_display = ["content", "task", "author", "created_at"]
    search_fields = ["content"]
    autocompleted = ["task", "author"]
