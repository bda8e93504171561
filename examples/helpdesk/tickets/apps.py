"""The tickets as a Django app."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Queues, their tickets, and notes on these."""

    name = "tickets"
    default_auto_field = "django.db.models.BigAutoField"
