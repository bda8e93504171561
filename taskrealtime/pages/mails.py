"""Mails about accounts: plain text, in their reader's language, with no link but our own."""

import logging
import re
from collections.abc import Iterable
from threading import Thread
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings as django_settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override

from taskrealtime.actor import current_actor
from taskrealtime.addresses import accounts_base
from taskrealtime.engine.auth import session_notes
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire.errors import RateLimited
from taskrealtime.languages import page_language
from taskrealtime.models import Preferences
from taskrealtime.models.names import is_invisible
from taskrealtime.models.tracking import receive

logger = logging.getLogger(__name__)

#: What makes a mail program take a word for a link or an address; the full stops of other scripts become dots in both.
_LINKING = re.compile("[.@:/\\\\\u3002\uff0e\uff61]+")
_THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]"}


def sends_mail() -> bool:
    """Return whether this server is set up to send mail, or (in development) shows it."""
    return not _default_mailer().get("BACKEND", "").endswith("dummy.EmailBackend")


def mail_host() -> str:
    """Return the host of the mail server; empty: there is none."""
    return str(_default_mailer().get("OPTIONS", {}).get("host", ""))


def _default_mailer() -> dict[str, Any]:
    """Return the default one of `MAILERS`, as Django 6.1 has it, also where the older settings describe it."""
    mailers: dict[str, dict[str, Any]] | None = getattr(django_settings, "MAILERS", None)
    if mailers is None:
        return {"BACKEND": django_settings.EMAIL_BACKEND, "OPTIONS": {"host": django_settings.EMAIL_HOST}}
    return mailers.get("default", {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"})


def home(request: HttpRequest) -> str:
    """Return what links in mails begin with: `PUBLIC_URL`, or the host that the request names.

    The client that asks for a mail to another user chooses that host, within `ALLOWED_HOSTS`, and its port, which
    counts only if the server really has it, or on this machine.
    """
    if settings.PUBLIC_URL:
        return settings.PUBLIC_URL
    host, port = split_domain_port(request.get_host())
    if port and (host in _THIS_MACHINE or port == request.META.get("SERVER_PORT")):
        host = f"{host}:{port}"
    return f"{request.scheme}://{host}"


def plain(name: str) -> str:
    """Return a username as mails show it: no mail program makes a link of it, and nothing in it is invisible."""
    return _LINKING.sub(lambda found: f" {found[0]} ", "".join(one for one in name if not is_invisible(one))).strip()


def language_of(user: User) -> str:
    """Return the language in which the user read our pages last; if that is unknown, the present one."""
    known = Preferences.objects.filter(user=user).values_list("language", flat=True).first()
    return known or page_language()


def zone_of(user: User) -> str:
    """Return the time zone of the user's preferences; empty: none is known."""
    return Preferences.objects.filter(user=user).values_list("timezone", flat=True).first() or ""


def send_beside(send: Any, *args: Any, **kwargs: Any) -> None:
    """Call `send` in a thread of its own: the time a mail takes neither delays the answer nor shows in it."""

    def sending() -> None:
        try:
            send(*args, **kwargs)
        except Exception as error:
            logger.warning("Mail: one could not be sent (%s: %s). Check the mail server.", type(error).__name__, error)

    Thread(target=sending, name="mail").start()


# --- Changed passwords and addresses --------------------------------------------------------


class _Credentials(NamedTuple):
    """What decides whether a visitor can have an account."""

    email: str
    password: str


@receive(pre_save, user_model.model(), subclasses=True)
def note_credentials(sender: Any, instance: Any, raw: bool = False, update_fields: Any = None, **kwargs: Any) -> None:
    """Keep what the account had until now, if a save may change it: by whatever page, command or code."""
    if raw or instance._state.adding or not _are_accounts_ours():
        return
    if update_fields is None or {user_model.email_field(), "password"}.intersection(update_fields):
        row = sender._base_manager.filter(pk=instance.pk).first()
        instance._credentials_before = row and _credentials_of(row)


@receive(post_save, user_model.model(), subclasses=True)
def mail_changed_credentials(sender: Any, instance: Any, update_fields: Any = None, **kwargs: Any) -> None:
    """Send a mail to the addresses that the account had and has, once the change is committed."""
    before: _Credentials | None = instance.__dict__.pop("_credentials_before", None)
    if before is None or not sends_mail():
        return
    now = _credentials_of(instance)
    # Django stores a password anew, alone, if its hash is not as costly as new ones are.
    is_only_rehashed = instance._password is None and update_fields is not None and set(update_fields) == {"password"}
    mails: list[tuple[str, str]] = []
    if before.password != now.password and not is_only_rehashed:
        mails += [("password_changed", address) for address in _different(before.email, now.email)]
    if before.email.casefold() != now.email.casefold():
        mails += [("address_left", before.email), ("address_entered", now.email)]
    for template, address in mails:
        if address:
            _mail(instance, template, address)


def _are_accounts_ours() -> bool:
    """Return whether the board answers for what happens to accounts: one of its users acts, or its pages are there.

    Other projects tell their users themselves what they do with their accounts, and pay for no query of ours.
    """
    return session_notes.are_noted_early() or current_actor() is not None or accounts_base() is not None


def _credentials_of(user: Any) -> _Credentials:
    return _Credentials(user_model.email(user), user.password)


def _different(*addresses: str) -> Iterable[str]:
    return {address.casefold(): address for address in addresses}.values()


def _mail(user: User, template: str, address: str) -> None:
    try:
        # Limits the mails to one mailbox, since visitors may enter others' addresses.
        rate_limits.spend_attempt("mail", None, name=address)
    except RateLimited:
        return
    zone = zone_of(user) or "UTC"
    context: dict[str, Any] = {"name": plain(user_model.username(user)), "home": settings.PUBLIC_URL}
    with override(language_of(user)), timezone.override(ZoneInfo(zone)):
        context["when"] = timezone.localtime()
        context["zone"] = zone
        subject = render_to_string(f"taskrealtime/mail/{template}_subject.txt", context).strip()
        text = render_to_string(f"taskrealtime/mail/{template}.txt", context)
    transaction.on_commit(lambda: send_beside(send_mail, subject, text, None, [address]), robust=True)
