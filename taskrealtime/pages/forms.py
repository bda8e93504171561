"""The forms of the pages."""

from heapq import nsmallest
from typing import Any

from django import forms
from django.contrib.auth.forms import (  # type: ignore[attr-defined]  # the last is how Django compares addresses here
    PasswordResetForm,
    UserCreationForm,
    _unicode_ci_compare,
)
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.models import Project

from . import mails

#: Accounts of one address that get a mail at a time: users may give an address that is not theirs to many accounts.
MAX_MAILS = 5
#: Characters of a project's name.
MAX_NAME = Project._meta.get_field("name").max_length or 0


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # the class takes none when the code runs
    """A new project's name."""

    name = forms.CharField(
        # Not `max_length`: browsers would cut in silence what is pasted.
        validators=[MaxLengthValidator(MAX_NAME)],
        error_messages={"required": _("Enter a project name.")},
        widget=forms.TextInput(
            attrs={
                "class": "input",
                "id": "new-project-name",
                "placeholder": _("New project name"),
                "autocomplete": "off",
                "dir": "auto",
                "data-maxlength": MAX_NAME,
            }
        ),
    )

    class Meta:
        model = Project
        fields = ["name"]


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """A new account: its name and password, and an address for a lost one."""

    class Meta(UserCreationForm.Meta):
        model = user_model.model()
        fields = tuple(user_model.sign_up_fields())

    @property
    def name_field(self) -> forms.BoundField:
        """The field by which the user signs in."""
        return self[user_model.username_field()]

    @property
    def address_field(self) -> forms.BoundField | None:
        """The field of the e-mail address, if that is another one."""
        name = user_model.email_field()
        return self[name] if name not in (None, user_model.username_field()) else None

    @property
    def other_fields(self) -> list[forms.BoundField]:
        """What else the user model requires."""
        known = {user_model.username_field(), user_model.email_field()}
        return [self[name] for name in user_model.sign_up_fields() if name not in known]

    def validate_password_for_user(self, user: User, *args: Any) -> None:
        """As Django's, which says what is wrong with a password beside its repetition."""
        super().validate_password_for_user(user, "password1")  # type: ignore[misc]  # untyped in its mixin


class SecretForm(forms.Form):
    """A link's secret, as the page's script posts it, or the whole link, pasted by the visitor."""

    secret = forms.CharField(max_length=2000)


class LostPasswordForm(PasswordResetForm):
    """The address to which a link for a new password is sent."""

    def get_users(self, email: str) -> list[User]:
        """As Django's, for any model, the oldest accounts: newer ones cannot take their place."""
        found = (
            user
            for user in user_model.by_email(email)
            if user.has_usable_password() and _unicode_ci_compare(email, user_model.email(user))
        )
        return nsmallest(MAX_MAILS, found, key=lambda user: user.pk)

    def send_mail(
        self, subject_template_name: str, email_template_name: str, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        """As Django's, beside the answer: the time it takes would reveal whether an account has that address."""
        user, send = context["user"], super().send_mail
        context["name"] = mails.plain(user_model.username(user))
        language = mails.language_of(user)

        def send_in_language() -> None:
            with override(language):  # a thread begins with the server's own
                send(subject_template_name, email_template_name, context, *args, **kwargs)

        mails.send_beside(send_in_language)
