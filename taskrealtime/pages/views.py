"""The main pages: the list of projects, one project's board. JavaScript fills and updates the board."""

import math
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taskrealtime import access, actions
from taskrealtime.addresses import SIGN_IN_URL
from taskrealtime.contract import commands
from taskrealtime.contract.events import LABEL_COLORS, PRIORITIES
from taskrealtime.engine.conf import settings, user_model
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.limits import rate_limits
from taskrealtime.engine.wire.errors import Forbidden, InvalidData, NotFound
from taskrealtime.models import Membership, Project, Task
from taskrealtime.serializers.objects import user_object

from .forms import ProjectForm
from .mails import zone_of

#: status, its name, what an empty column says
COLUMNS = [
    ("todo", _("To do"), _("Nothing to do")),
    ("in_progress", _("In progress"), _("Nothing in progress")),
    ("review", _("Review"), _("Nothing to review")),
    ("completed", _("Completed"), _("Nothing completed yet")),
]

PRIORITY_NAMES = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "urgent": _("Urgent")}
LABEL_COLOR_NAMES = {
    "grey": _("Grey"),
    "red": _("Red"),
    "orange": _("Orange"),
    "yellow": _("Yellow"),
    "green": _("Green"),
    "teal": _("Teal"),
    "blue": _("Blue"),
    "purple": _("Purple"),
}


@login_required(login_url=SIGN_IN_URL)
@require_http_methods(["GET", "HEAD", "POST"])
def projects(request: HttpRequest) -> HttpResponse:
    """`/`: the user's projects; a POST of `name` makes one and opens it."""
    user = _signed_in(request)
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        command = commands.ProjectCreate(name=form.cleaned_data["name"])
        answer = _carry_out(user, command)
        assert isinstance(answer, commands.ProjectAnswer)
        return redirect("taskrealtime:board", answer.project_id)
    return _show_projects(request, user, form, status=400 if form.errors else 200)


@login_required(login_url=SIGN_IN_URL)
@require_POST
def answer_addition(request: HttpRequest, project_id: int) -> HttpResponse:
    """`/requests/<id>/`: what its user does about being added to a project, before or after it happened."""
    user, answer = _signed_in(request), request.POST.get("answer", "")
    command: commands.Command
    if answer == "accept":
        command = commands.RequestAccept(project_id=project_id)
    elif answer in {"decline", "decline-and-block"}:
        command = commands.RequestDecline(project_id=project_id, block=answer != "decline")
    elif answer in {"leave", "leave-and-block"}:
        command = commands.MemberRemove(project_id=project_id, user_id=user.pk, block=answer != "leave")
    else:
        return redirect("taskrealtime:projects")
    try:
        _carry_out(user, command)
    except NotFound:  # answered before, or no longer asked
        return redirect("taskrealtime:projects")
    except (Forbidden, InvalidData) as error:
        return _show_projects(request, user, ProjectForm(), problem=gettext(error.message), status=400)
    return redirect("taskrealtime:board", project_id) if answer == "accept" else redirect("taskrealtime:projects")


@login_required(login_url=SIGN_IN_URL)
@require_POST
def answer_deletion(request: HttpRequest, project_id: int) -> HttpResponse:
    """`/deleted/<id>/`: restores a deleted project, or deletes it for good."""
    user, answer = _signed_in(request), request.POST.get("answer", "")
    command: commands.Command
    if answer == "restore":
        command = commands.ProjectRestore(project_id=project_id)
    elif answer == "purge":
        command = commands.ProjectPurge(project_id=project_id)
    else:
        return redirect("taskrealtime:projects")
    with suppress(NotFound):  # answered before, or too late
        _carry_out(user, command)
    return redirect("taskrealtime:projects")


def _carry_out(user: User, command: commands.Command) -> commands.Answer:
    """Carry out a command that a page's form asks for, within the user's limits."""
    rate_limits.spend_change(user.pk, kind=type(command).__name__, slowness=command.slowness)
    return actions.perform(user, command)


def _show_projects(
    request: HttpRequest, user: User, form: ProjectForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    adders = _adders_of(Membership.objects.filter(user=user))
    context = {
        "projects": [(project, adders.get(project.pk)) for project in _projects_of(user)],
        "deleted": [(project, _days_left(project)) for project in access.restorable_projects(user).order_by("name")],
        "requests": [(one, user_object(one.asked_by).name) for one in access.addition_requests(user)],
        "problem": problem,
        "form": form,
        "me": _person(user),
    }
    return render(request, "taskrealtime/projects.html", context, status=status)


@login_required(login_url=SIGN_IN_URL)
@require_safe
def board(request: HttpRequest, project_id: int) -> HttpResponse:
    """`/projects/<id>/`: the empty board; its page fetches the tasks and follows them from there.

    A project that does not exist and one that the user may not see are the same 404.
    """
    user = _signed_in(request)
    project = access.visible_projects(user).filter(pk=project_id).first()
    if project is None:
        return render(request, "taskrealtime/404.html", status=404)  # not `Http404`: people meet it in development, too
    priorities = [(priority, PRIORITY_NAMES[priority]) for priority in PRIORITIES]
    context = {
        "project": project,
        "columns": COLUMNS,
        "priorities": priorities,
        "label_colors": [(color, LABEL_COLOR_NAMES[color]) for color in LABEL_COLORS],
        "added_by": _adders_of(project.memberships.filter(user=user)).get(project.pk),
        "me": _person(user),
    }
    return render(request, "taskrealtime/board.html", context)


def _signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # `login_required` saw to it
    return request.user


def _projects_of(user: User) -> QuerySet[Project]:
    """Return the user's projects with `role`, `open_tasks`, `done_tasks`, `all_tasks` and `member_count`."""
    tasks = Task.objects.filter(project=OuterRef("pk"))
    members = Membership.objects.filter(project=OuterRef("pk"))
    return (
        access.visible_projects(user)
        .annotate(role=F("memberships__role"), all_tasks=_count(tasks), member_count=_count(members))
        .annotate(done_tasks=_count(tasks.filter(status="completed")))
        .annotate(open_tasks=F("all_tasks") - F("done_tasks"))
        .order_by("name", "pk")
    )


def _days_left(project: Project) -> int:
    """Return for how many days, begun ones too, a deleted project can be restored."""
    assert project.deleted_at is not None
    age = timezone.now() - project.deleted_at
    return max(1, math.ceil(settings.EVENT_RETENTION_DAYS - age / timedelta(days=1)))


def _adders_of(memberships: QuerySet[Membership]) -> dict[int, str]:
    """Return by project the name of the user that added the member, if the member did not join by choice."""
    adders = {one.project_id: one.adder for one in memberships.select_related("added_by", "owner_by")}
    return {project_id: user_object(adder).name for project_id, adder in adders.items() if adder}


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Count in a subquery of its own: joins of tasks and members would multiply each other."""
    counted = rows.order_by().values("project").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _hue(user: User) -> int:
    """Return which of ten colours a user has; as `hue` in `static/js/board/people/people.js`."""
    key = user_model.on_wire(user.pk)
    return (key if isinstance(key, int) else sum(map(ord, key))) % 10


def _person(user: User) -> dict[str, Any]:
    """Return how the top bar shows a user, and the time zone in which moments are shown.

    As `static/js/board/people/people.js` does, by name, initials and colour; without preferences the zone of the
    browser counts.
    """
    name = user_object(user).name
    words = name.replace(".", " ").replace("_", " ").replace("-", " ").split()
    initials = words[0][0] + words[-1][0] if len(words) > 1 else name[:2]
    return {"name": name, "initials": initials.upper(), "hue": _hue(user), "zone": zone_of(user)}
