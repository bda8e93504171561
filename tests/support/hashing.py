"""Passwords that are quick to check: a real hash takes a third of a second on purpose."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The project's hasher, with a thousandth of its work."""

    iterations = 1_000
