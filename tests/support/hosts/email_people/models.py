"""A user with an e-mail address for a name: no username, no first name, no staff, and no `is_active` but Django's."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class User(AbstractBaseUser):
    """A user."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)

    objects = BaseUserManager["User"]()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email
