"""The forms of the pages."""

from django import forms
from django.core.validators import RegexValidator

from .engine.protocol import TURNS_TEXT
from .models import Project


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # the class takes none when the code runs
    """A new project's name."""

    name = forms.CharField(
        max_length=Project._meta.get_field("name").max_length,
        error_messages={"required": "Please give the project a name."},
        validators=[
            RegexValidator(
                f"[{TURNS_TEXT}]", "A name cannot hold characters that turn the direction of text.", inverse_match=True
            )
        ],
        widget=forms.TextInput(
            attrs={
                "class": "input",
                "id": "new-project-name",
                "placeholder": "Name a new project",
                "autocomplete": "off",
            }
        ),
    )

    class Meta:
        model = Project
        fields = ["name"]
