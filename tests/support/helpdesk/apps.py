"""The help desk as a Django app."""

from django.apps import AppConfig


class HelpDeskConfig(AppConfig):
    """A help desk."""

    name = "tests.support.helpdesk"
    label = "helpdesk"
    default_auto_field = "django.db.models.BigAutoField"
