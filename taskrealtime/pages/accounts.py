"""The account pages: signing in and up, joining by an invitation, a new or lost password.

No secret is ever part of an address that the server sees: links carry it behind their `#`, from where a script of the
page sends it on, so that neither logs nor the `Referer` of other requests hold one.
"""

from contextlib import suppress
from typing import Any

from django.conf import global_settings
from django.conf import settings as django_settings
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django.views.generic import FormView
from django.views.i18n import set_language

from taskrealtime import access, actions
from taskrealtime.actions import members
from taskrealtime.addresses import SIGN_IN_URL
from taskrealtime.contract import commands
from taskrealtime.engine import models as engine_models
from taskrealtime.engine import passwords
from taskrealtime.engine.auth import session_notes, sign_ins
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire.errors import InvalidData, NotFound
from taskrealtime.languages import nearest_language, page_language
from taskrealtime.models import Invitation, Membership, Preferences
from taskrealtime.models.invitations import hash_of
from taskrealtime.serializers.objects import user_object

from . import agents
from .forms import LostPasswordForm, SecretForm, SignUpForm
from .mails import home, sends_mail, zone_of

#: In the browser's session: the hash of the invitation that was opened there.
INVITATION = "invitation"
PAGE = ["GET", "HEAD", "POST"]


# --- Languages ------------------------------------------------------------------------------


@receiver(user_logged_in)
def note_language(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Remember in which language the user reads our pages: mails are written in it."""
    place = getattr(request, "resolver_match", None)
    is_ours = session_notes.are_noted_early() or (place is not None and "taskrealtime_accounts" in place.app_names)
    if request is not None and is_ours and isinstance(user, User):
        _remember_language(user, page_language())


def choose_language(request: HttpRequest) -> HttpResponseBase:
    """`/language/`: as Django's; the choice counts for the user's mails, too."""
    answer = set_language(request)
    language = nearest_language(request.POST.get("language"))
    if isinstance(request.user, User) and language:
        _remember_language(request.user, language)
    return answer


def _remember_language(user: User, language: str) -> None:
    # A new row leaves the time zone open, as without one.
    Preferences.objects.update_or_create(
        user=user, defaults={"language": language}, create_defaults={"language": language, "timezone": ""}
    )


# --- Signing in and up ----------------------------------------------------------------------


class SignIn(auth_views.LoginView):
    """`/login/`: name and password, then the page that was asked for."""

    template_name = "taskrealtime/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Django's, not too often for one name or from one address."""
        # As the form looks it up: one account has one limit, however its name is written.
        name = self.get_form().fields["username"].to_python(request.POST.get("username", "")) or ""
        passwords.begin_attempt(name, request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """As Django's; attempts before are forgiven."""
        passwords.forgive_attempts(form.cleaned_data["username"], self.request)
        return super().form_valid(form)

    def get_success_url(self) -> str:
        """As Django's, but not back to this page, where a signed-in user would be redirected for ever."""
        url = super().get_success_url()
        return self.get_default_redirect_url() if url == self.request.path else url

    def get_default_redirect_url(self) -> str:
        """As Django's; in a project that has chosen no page, the list of projects."""
        has_chosen = django_settings.LOGIN_REDIRECT_URL != global_settings.LOGIN_REDIRECT_URL
        return super().get_default_redirect_url() if has_chosen else reverse("taskrealtime:projects")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the visitor was sent here from a page, and how to get an account or a new password."""
        context = super().get_context_data(**kwargs)
        invitation = opened_invitation(self.request)
        return context | {
            "invitation": invitation,
            "was_sent_here": self.get_redirect_url() not in ("", self.get_default_redirect_url()),
            "has_failed_elsewhere": "failed" in self.request.GET,
            "links": [(name, resolve_url(url)) for name, url in settings.SIGN_IN_LINKS],
            "may_sign_up": settings.OPEN_SIGN_UP or invitation is not None,
            "sends_mail": sends_mail(),
            "demo_hint": django_settings.DEBUG,
        }


class SignOut(auth_views.LogoutView):
    """`/logout/`: a POST signs out."""

    def get_default_redirect_url(self) -> str:
        """As Django's; in a project that has chosen no page, the sign-in page."""
        has_chosen = django_settings.LOGOUT_REDIRECT_URL is not None
        return super().get_default_redirect_url() if has_chosen else reverse("taskrealtime_accounts:login")


@method_decorator(sensitive_post_parameters("password1", "password2"), name="dispatch")
class SignUp(FormView):  # type: ignore[type-arg]
    """`/sign-up/`: a new account, for invited visitors, and for all if `OPEN_SIGN_UP` is set."""

    template_name = "taskrealtime/sign_up.html"
    form_class = SignUpForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect a signed-in user, which has an account; refuse a visitor without invitation."""
        if request.user.is_authenticated:
            return redirect("taskrealtime:join" if INVITATION in request.session else "taskrealtime:projects")
        self.invitation = opened_invitation(request)
        if self.invitation is None and not settings.OPEN_SIGN_UP:
            return render(request, "taskrealtime/sign_up_closed.html", status=403)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As every form's, but not too often from one address: it reveals which names are taken."""
        rate_limits.spend_attempt("sign-up", request.META.get("REMOTE_ADDR"))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Create the account, signed in and, with an invitation, a member."""
        invitation = self.invitation
        secret_hash = invitation.secret_hash if invitation else None
        try:
            user = members.sign_up(form.save(commit=False), secret_hash=secret_hash)
        except InvalidData as error:
            form.add_error(user_model.username_field(), gettext(error.details[0]["message"]))  # Django knows it
            return self.form_invalid(form)
        except NotFound:
            return redirect("taskrealtime:join")
        login(self.request, user, backend=passwords.backend_of_new_users())
        self.request.session.pop(INVITATION, None)
        return (
            redirect("taskrealtime:board", invitation.project_id) if invitation else redirect("taskrealtime:projects")
        )

    def form_invalid(self, form: SignUpForm) -> HttpResponse:
        """Return the form again, with what is wrong in it."""
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds what the account is for."""
        return super().get_context_data(**kwargs) | {"invitation": self.invitation}


# --- Invitations ----------------------------------------------------------------------------


@sensitive_post_parameters("secret")
@require_http_methods(PAGE)
def join(request: HttpRequest) -> HttpResponse:
    """`/join/#<secret>`: what an invitation leads to, and the button that accepts it.

    The page's script posts the secret, or the visitor pastes the link; then the session knows the invitation. Only
    a POST joins.
    """
    if request.method == "POST" and "secret" in request.POST:
        return _open_invitation(request)
    user = request.user if isinstance(request.user, User) else None
    if user and (membership := _membership_by_link(request, user)):
        del request.session[INVITATION]
        if request.method == "POST":
            return redirect("taskrealtime:board", membership.project_id)
        # No redirect, which would take what is behind the `#`, another link's secret perhaps, to the board's address.
        return render(request, "taskrealtime/join_already.html", {"project": membership.project})
    invitation = opened_invitation(request)
    if invitation is None:
        was_open = request.session.pop(INVITATION, None) is not None
        return render(request, "taskrealtime/join_paste.html", {"form": SecretForm(), "is_over": was_open})
    if user and request.method == "POST":
        return _accept(request, user, invitation)
    inviter = user_object(invitation.created_by).name
    context = {"invitation": invitation, "inviter": inviter, "may_change": invitation.role == "member"}
    return render(request, "taskrealtime/join.html", context)


def opened_invitation(request: HttpRequest) -> Invitation | None:
    """Return the invitation that was opened in this browser, while it is valid."""
    secret_hash = request.session.get(INVITATION)
    try:
        return access.find_invitation(secret_hash, now=timezone.now()) if secret_hash else None
    except NotFound:
        return None


def _membership_by_link(request: HttpRequest, user: User) -> Membership | None:
    """Return the user's place in the project of the opened link: joining by it may have used it up."""
    links = Invitation.objects.filter(secret_hash=request.session.get(INVITATION, ""))
    memberships = Membership.objects.filter(user=user, project__in=links.values("project"))
    return memberships.select_related("project").first()


def _open_invitation(request: HttpRequest) -> HttpResponse:
    address = request.META.get("REMOTE_ADDR")
    rate_limits.spend_attempt("invitation", address)
    form = SecretForm(request.POST)
    try:
        if not form.is_valid():
            raise NotFound("Nothing was given.")
        invitation = access.find_invitation(hash_of(form.cleaned_data["secret"]), now=timezone.now())
    except NotFound:
        return render(request, "taskrealtime/join_paste.html", {"form": SecretForm(), "is_over": True}, status=404)
    rate_limits.forgive_attempt("invitation", address)
    user = request.user
    if isinstance(user, User) and Membership.objects.filter(user=user, project=invitation.project_id).exists():
        return redirect("taskrealtime:board", invitation.project_id)
    request.session[INVITATION] = invitation.secret_hash
    return redirect("taskrealtime:join")


def _accept(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    command = commands.InvitationAccept(secret_hash=invitation.secret_hash)
    rate_limits.spend_change(user.pk, kind=type(command).__name__, slowness=command.slowness)
    try:
        actions.perform(user, command)
    except NotFound:
        return redirect("taskrealtime:join")
    del request.session[INVITATION]
    return redirect("taskrealtime:board", invitation.project_id)


# --- The account itself ---------------------------------------------------------------------


@login_required(login_url=SIGN_IN_URL)
@require_http_methods(PAGE)
def account(request: HttpRequest) -> HttpResponse:
    """`/account/`: the user's sign-ins, and the users that this one blocked.

    A POST of `end` ends one of the sign-ins, or all `others`; one of `unblock` lets a user add this one again.
    """
    user, session = request.user, request.session
    assert isinstance(user, User)
    own = session_notes.give_mark(session)
    if request.method == "POST":
        if "unblock" in request.POST:
            _unblock(user, request.POST["unblock"])
        else:
            _end_sessions(user, request.POST.get("end", ""), own)
        return redirect("taskrealtime_accounts:account")
    sign_ins.note_browser(user, session, **sign_ins.asker(request))
    sessions = [_shown_session(one, own) for one in sign_ins.of_user(user)]
    sessions.sort(key=lambda one: not one["is_current"])
    blocks = [(one.blocked_id, user_object(one.blocked).name) for one in access.blocks(user)]
    return render(
        request, "taskrealtime/account.html", {"sessions": sessions, "blocks": blocks, "me": {"zone": zone_of(user)}}
    )


def _unblock(user: User, user_id: str) -> None:
    if (key := user_model.parse_key(user_id)) is not None:
        # One that is blocked no longer is what was wanted.
        with suppress(NotFound):
            actions.perform(user, commands.BlockRemove(user_id=key))


def _end_sessions(user: User, wanted: str, own: str) -> None:
    marks = [one.mark for one in sign_ins.of_user(user)] if wanted == "others" else [wanted]
    for mark in marks:
        # One that has ended by now is what was wanted.
        with suppress(NotFound):
            if mark != own:
                sign_ins.end(user, mark)


def _shown_session(one: engine_models.SignIn, own: str) -> dict[str, Any]:
    browser, system = agents.browser_of(one.agent), agents.system_of(one.agent)
    return {
        "id": one.mark,
        "is_current": one.mark == own,
        "is_token": not one.session_key,
        "browser": browser,
        "system": system,
        "label": " ".join(filter(None, [browser, system])) or one.agent or one.address or one.mark[:6],
        "agent": one.agent,
        "address": one.address,
        "used_at": one.used_at,
    }


# --- Passwords ------------------------------------------------------------------------------


class ChangePassword(auth_views.PasswordChangeView):
    """`/password/`: ends all other sessions and tokens of the user; this browser goes on."""

    template_name = "taskrealtime/password_change.html"
    success_url = reverse_lazy("taskrealtime_accounts:password_changed")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Django's, but guesses at the old password count as they do at the sign-in page."""
        assert isinstance(request.user, User)
        name, address = user_model.username(request.user), request.META.get("REMOTE_ADDR")
        passwords.spend_attempt(name, address)
        form = self.get_form()
        if "old_password" in form.errors:
            passwords.log_failed_sign_in(name, address)
        else:
            rate_limits.forgive_sign_in(name, address)
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)


class PasswordChanged(auth_views.PasswordChangeDoneView):
    """`/password/changed/`: says what came of it."""

    template_name = "taskrealtime/password_changed.html"


class LostPassword(auth_views.PasswordResetView):
    """`/password/lost/`: sends a link, with the same answer whether or not an account has that address."""

    template_name = "taskrealtime/password_lost.html"
    form_class = LostPasswordForm
    subject_template_name = "taskrealtime/mail/password_subject.txt"
    email_template_name = "taskrealtime/mail/password.txt"
    success_url = reverse_lazy("taskrealtime_accounts:password_sent")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether this server sends mail at all."""
        return super().get_context_data(**kwargs) | {"sends_mail": sends_mail()}

    def form_valid(self, form: Any) -> HttpResponse:
        """As Django's, not too often from one address or to one mailbox; nothing if no mail is sent."""
        if not sends_mail():
            return self.render_to_response(self.get_context_data(form=form))
        self.extra_email_context = {"home": home(self.request)}
        rate_limits.spend_attempt(
            "lost-password", self.request.META.get("REMOTE_ADDR"), name=form.cleaned_data["email"]
        )
        return super().form_valid(form)


class PasswordSent(auth_views.PasswordResetDoneView):
    """`/password/lost/sent/`: says to look for the mail."""

    template_name = "taskrealtime/password_sent.html"


@sensitive_post_parameters("secret")
@require_http_methods(PAGE)
def open_password_link(request: HttpRequest) -> HttpResponse:
    """`/password/new/#<user>.<token>`: where the mail's link leads; the page's script posts what is behind the `#`."""
    if request.method == "POST":
        # Each may leave a session in the database, also from a visitor that is not signed in.
        rate_limits.spend_attempt("password-link", request.META.get("REMOTE_ADDR"))
        form = SecretForm(request.POST)
        secret = form.cleaned_data["secret"] if form.is_valid() else ""
        uid, _, token = secret.rpartition("#")[2].partition(".")
        if uid.isascii() and uid.isalnum() and token:
            # Where Django's own view puts a token that came in an address; it checks it at every step.
            request.session[INTERNAL_RESET_SESSION_TOKEN] = token
            return redirect("taskrealtime_accounts:password_reset_confirm", uid)
    return render(
        request, "taskrealtime/password_link.html", {"form": SecretForm(), "is_over": request.method == "POST"}
    )


class NewPassword(auth_views.PasswordResetConfirmView):
    """`/password/new/<user>/`: a new password for the visitor that followed the link; ends every session and token."""

    template_name = "taskrealtime/password_new.html"
    success_url = reverse_lazy("taskrealtime_accounts:password_set")

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As Django's, with the token out of the session alone."""
        return super().dispatch(*args, token=self.reset_url_token, **kwargs)


class PasswordSet(auth_views.PasswordResetCompleteView):
    """`/password/set/`: leads to the sign-in page."""

    template_name = "taskrealtime/password_set.html"
