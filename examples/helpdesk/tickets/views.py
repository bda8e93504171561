"""The pages: plain views and plain forms."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from taskrealtime.live import live

from .forms import NewTicketForm, NoteForm, TicketForm
from .models import Queue, Ticket


@login_required
def queues(request: HttpRequest) -> HttpResponse:
    """Show the user's queues, with how many tickets are open."""
    is_open = Q(tickets__status=Ticket.Status.OPEN)
    mine = Queue.objects.filter(memberships__user=request.user)
    counted = mine.annotate(open=Count("tickets", filter=is_open, distinct=True)).order_by("name")
    return render(request, "tickets/queues.html", {"queues": counted})


@login_required
def queue(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a queue's tickets; take a new one."""
    found = get_object_or_404(Queue, pk=pk, memberships__user=request.user)
    form = NewTicketForm(request.POST or None, instance=Ticket(queue=found))
    if form.is_valid():
        with live.acting_as(request.user):
            form.save()
        return redirect(found)
    status = request.GET.get("status", "")
    tickets = found.tickets.select_related("assigned_to").order_by("-pk")
    if status in Ticket.Status.values:
        tickets = tickets.filter(status=status)
    page = {"queue": found, "tickets": tickets, "form": form, "status": status, "statuses": Ticket.Status.choices}
    return render(request, "tickets/queue.html", page)


@login_required
def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a ticket with its notes; change it."""
    found = _ticket(request, pk)
    form = TicketForm(request.POST or None, instance=found)
    if form.is_valid():
        with live.acting_as(request.user):
            form.save()
        return redirect(found)
    return render(request, "tickets/ticket.html", {"ticket": found, "form": form, "note_form": NoteForm()})


@require_POST
@login_required
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Assign a ticket to the user."""
    found = _ticket(request, pk)
    with live.acting_as(request.user):
        Ticket.objects.filter(pk=pk).update(assigned_to=request.user)
    return redirect(found.queue)


@require_POST
@login_required
def add_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a note to a ticket."""
    found = _ticket(request, pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        form.instance.ticket, form.instance.author = found, request.user
        with live.acting_as(request.user):
            form.save()
    return redirect(found)


def _ticket(request: HttpRequest, pk: int) -> Ticket:
    """Return a ticket of one of the user's queues."""
    return get_object_or_404(Ticket.objects.select_related("queue"), pk=pk, queue__memberships__user=request.user)
