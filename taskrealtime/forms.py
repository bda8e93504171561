"""The forms of the pages."""

from django import forms

from .models import Project


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # the class takes none when the code runs
    """A new project's name."""

    class Meta:
        model = Project
        fields = ["name"]
        error_messages = {"name": {"required": "Please give the project a name."}}
        widgets = {
            "name": forms.TextInput(
                attrs={
                    "class": "input",
                    "id": "new-project-name",
                    "placeholder": "Name a new project",
                    "autocomplete": "off",
                }
            )
        }
