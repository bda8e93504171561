"""System checks of the board: a misconfiguration, explained in a sentence."""

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse

from taskrealtime.addresses import accounts_base, sign_in_url
from taskrealtime.engine.conf import settings
from taskrealtime.engine.conf.values import EVERY_ORIGIN
from taskrealtime.engine.installation.checks import with_right_settings
from taskrealtime.languages import has_middleware
from taskrealtime.models.tracking import TrackedModel, TrackedQuerySet
from taskrealtime.pages.mails import mail_host


@register
def check_urls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require the board's URLs, and a page on which its visitors sign in."""
    try:
        home = reverse("taskrealtime:projects")
    except NoReverseMatch:
        return [
            Error(
                "The URLs of the board are not included.",
                hint='Add path("board/", include("taskrealtime.urls")) to urlpatterns, or leave "taskrealtime" out of '
                "INSTALLED_APPS for an installation without a board.",
                id="taskrealtime.E012",
            )
        ]
    if not home.endswith("/"):
        return [
            Error(
                f"The board's URLs are included below {home!r}, which does not end with a slash.",
                hint="Add the slash: their paths begin right behind it.",
                id="taskrealtime.E012",
            )
        ]
    try:
        address = sign_in_url()
        if address.startswith("/") and not address.startswith("//"):
            resolve(address.partition("?")[0].removeprefix(get_script_prefix().rstrip("/")))
    except (NoReverseMatch, Resolver404):
        return [
            Warning(
                f"LOGIN_URL = {str(django_settings.LOGIN_URL)!r} is no page of this project: "
                "visitors of the board are sent there.",
                hint="Set LOGIN_URL to the path or the name of your page to sign in, such as admin:login.",
                id="taskrealtime.W009",
            )
        ]
    return []


@register
def check_authentication(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require that requests have a user, by the project's session."""
    if has_middleware(AuthenticationMiddleware):
        return []
    return [
        Error(
            "MIDDLEWARE has no AuthenticationMiddleware: the board does not know who visits it.",
            hint="Add django.contrib.sessions.middleware.SessionMiddleware and "
            "django.contrib.auth.middleware.AuthenticationMiddleware to MIDDLEWARE.",
            id="taskrealtime.E013",
        )
    ]


@register
def check_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require that the board's templates and static files are found."""
    found: list[CheckMessage] = []
    try:
        get_template("taskrealtime/base.html")
    except TemplateDoesNotExist:
        found.append(
            Error(
                "No engine of TEMPLATES finds the templates of the board.",
                hint="Set APP_DIRS, or list django.template.loaders.app_directories.Loader in its loaders.",
                id="taskrealtime.E014",
            )
        )
    if not apps.is_installed("django.contrib.staticfiles"):
        found.append(
            Error(
                "django.contrib.staticfiles is not installed: the board's pages would have no scripts and no styles.",
                hint="Add it to INSTALLED_APPS.",
                id="taskrealtime.E015",
            )
        )
    elif finders.find("taskrealtime/js/websocket_client.js") is None:
        found.append(
            Error(
                "No finder of STATICFILES_FINDERS finds the static files of the board.",
                hint="List django.contrib.staticfiles.finders.AppDirectoriesFinder.",
                id="taskrealtime.E015",
            )
        )
    return found


@register
def check_managers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse managers of a proxy or a subclass whose queryset does not announce what they write."""
    return [
        Error(
            f"{model._meta.label}.{manager.name} makes querysets whose writes would not be announced.",
            hint="Have its get_queryset() call super(), or derive its queryset from that of the model.",
            obj=model,
            id="taskrealtime.E008",
        )
        for model in apps.get_models()
        if issubclass(model, TrackedModel)
        for manager in model._meta.managers
        if not isinstance(manager.all(), TrackedQuerySet)
    ]


@register(Tags.security, deploy=True)
@with_right_settings
def check_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of sockets that any page on the web may open, which are seldom intended."""
    if EVERY_ORIGIN in settings.WEBSOCKET_CORS_ORIGINS:
        return [
            Warning(
                "WEBSOCKET_CORS_ORIGINS=* lets any page open sockets.",
                hint="List the origins of your own pages.",
                id="taskrealtime.W002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of a sender that cannot be answered: such mail is seldom delivered, and users get no new password."""
    if _sends_mail() and django_settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return [
            Warning(
                "EMAIL_HOST is set, but mail would come from an address at localhost.",
                hint="Set DEFAULT_FROM_EMAIL to an address that the mail server may send from.",
                id="taskrealtime.W003",
            )
        ]
    return []


@register(Tags.security, deploy=True)
@with_right_settings
def check_public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require `PUBLIC_URL`: links in mails must not lead to a host that the client's request names."""
    if _sends_mail() and not settings.PUBLIC_URL:
        return [
            Warning(
                "EMAIL_HOST is set without a PUBLIC_URL: links in mails lead to the host that a request names.",
                hint="Set PUBLIC_URL to where people reach the pages, such as https://board.example.org.",
                id="taskrealtime.W005",
            )
        ]
    return []


def _sends_mail() -> bool:
    """Return whether the account pages, which alone send mail, are included and have a server for it."""
    return bool(mail_host()) and accounts_base() is not None
