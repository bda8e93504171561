"""A user with a text for a key, whose being staff and active is computed."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class People(BaseUserManager["User"]):
    """Users, without those that have left."""

    def get_queryset(self) -> "models.QuerySet[User]":
        """As Django's."""
        return super().get_queryset().exclude(has_left=True)


class User(AbstractBaseUser):
    """A user."""

    handle = models.CharField(max_length=30, primary_key=True)
    rank = models.PositiveIntegerField(default=0)
    is_banned = models.BooleanField(default=False)
    has_left = models.BooleanField(default=False)

    objects = People()

    USERNAME_FIELD = "handle"

    def __str__(self) -> str:
        return self.handle

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Return whether the user may sign in."""
        return not self.is_banned

    def is_staff(self) -> bool:
        """Return whether the user is staff."""
        return self.rank > 1

    def get_full_name(self) -> str:
        """Return the name to show."""
        return self.handle.title()
