"""The forms of the pages."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model

from .models import Note, Ticket


class NewTicketForm(forms.ModelForm):
    """A ticket that came in."""

    class Meta:
        model = Ticket
        fields = ["title", "customer"]


class TicketForm(forms.ModelForm):
    """A ticket, as the users that work on it change it."""

    class Meta:
        model = Ticket
        fields = ["title", "status", "assigned_to"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assigned_to = self.fields["assigned_to"]
        assigned_to.queryset = get_user_model().objects.filter(memberships__queue=self.instance.queue)
        assigned_to.empty_label = "Unassigned"
        assigned_to.label_from_instance = lambda user: user.get_full_name() or user.get_username()


class NoteForm(forms.ModelForm):
    """Another note on a ticket."""

    class Meta:
        model = Note
        fields = ["text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3, "placeholder": "What was done, or is to be done?"})}
        labels = {"text": "New note"}
