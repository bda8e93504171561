"""The tags of `{% load live %}`: what they put into a page, and what they say where something is missing."""

import datetime
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import AsyncClient, RequestFactory
from django.urls import include, path

from taskrealtime.engine import log
from taskrealtime.engine.models import Event
from taskrealtime.live import checks, live, positions
from tests.support.helpdesk.models import Comment, Queue, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("helpdesk")]


class LiveBelowPrefix:
    """A project with live rooms below a prefix, and no board."""

    urlpatterns = [path("tools/live/", include("taskrealtime.live.urls"))]


class NoUrls:
    """A project that forgot them."""

    urlpatterns: list[Any] = []


def write_and_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with a page whose view has read before a ticket was written."""
    queue = Queue.objects.get(pk=pk)
    write(queue, "meanwhile")
    return HttpResponse(render("{% live_room queue %}", request, queue=queue))


class ViewsThatWrite:
    """A project whose page takes a while."""

    urlpatterns = [path("<int:pk>/", write_and_show)]


def begun(user: Any = None) -> HttpRequest:
    """A request that begins now."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser() if user is None else user
    request_started.send(sender=None, environ=request.META)
    return request


def render(text: str, request: HttpRequest | None = None, **values: Any) -> str:
    return Template("{% load live %}" + text).render(Context({"request": request, **values}))


def numbers(text: str) -> tuple[int, int]:
    [found] = re.findall(r'data-live-head="(\d+)".* data-live-since="(\d+)"', text)
    return int(found[1]), int(found[0])


def write(queue: Queue, title: str, *, seconds_ago: float = 0) -> None:
    """Have an event numbered that was written some time ago."""
    Ticket.objects.create(queue=queue, title=title)
    log.sequence([f"helpdesk.queue.{queue.pk}"])
    newest = Event.objects.filter(room=f"helpdesk.queue.{queue.pk}").order_by("-seq")[:1]
    Event.objects.filter(pk__in=[event.pk for event in newest]).update(
        at=F("at") - datetime.timedelta(seconds=seconds_ago)
    )


@pytest.mark.urls.with_args(LiveBelowPrefix)
def test_the_script_knows_its_server_and_nothing_of_it_is_inline() -> None:
    request = begun(User.objects.create(username="ann"))
    found = render('{% live_client nonce="n1" %}', request)
    attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', found))
    assert found.endswith("></script>")
    assert attributes["src"].endswith("taskrealtime/live/live.js")
    assert (attributes["type"], attributes["nonce"]) == ("module", "n1")
    assert (attributes["data-api"], attributes["data-socket"]) == ("/tools/live/", "/ws/")
    assert attributes["data-user"] == str(request.user.pk)
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"], "the page's POST for a token needs the cookie"


def test_beside_the_board_the_script_uses_its_api() -> None:
    found = render("{% live_client %}", begun(User.objects.create(username="ann")))
    assert 'data-api="/api/"' in found


def test_visitors_get_no_script() -> None:
    assert render("{% live_client %}", begun()) == ""


def test_an_element_names_the_room_of_a_row_or_the_one_that_it_is_given(queue: Queue) -> None:
    name = f"helpdesk.queue.{queue.pk}"
    for text in ("{% live_room queue %}", "{% live_room name %}"):
        assert f' data-live-room="{name}"' in render(text, begun(), queue=queue, name=name)
    found = render("{% live_records queue url=url %}", begun(), queue=queue, url="/rows/?a=1&b=2")
    assert " data-live-records" in found
    assert 'data-live-url="/rows/?a=1&amp;b=2"' in found
    assert render("{% live_room ticket.queue %}", begun(), ticket=Ticket(title="in no queue")) == ""


def test_an_element_that_can_have_no_room_is_an_error_that_says_so(queue: Queue) -> None:
    comment = Comment.objects.create(ticket=Ticket.objects.create(queue=queue, title="Printer"), text="Hm")
    for room in ("nothing.1", "", comment):
        with pytest.raises(ImproperlyConfigured, match="names no room of a live model"):
            render("{% live_room room %}", begun(), room=room)


@pytest.mark.urls.with_args(NoUrls)
def test_without_the_urls_the_tag_and_the_checks_say_what_to_add() -> None:
    with pytest.raises(ImproperlyConfigured, match=r'include\("taskrealtime\.live\.urls"\)'):
        render("{% live_client %}", begun())
    [warning] = checks.check_urls(None)
    assert (warning.id, "taskrealtime.live.urls" in str(warning.hint)) == ("taskrealtime.W022", True)


def test_a_page_without_its_request_is_an_error_that_says_so() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"context_processors\.request"):
        render("{% live_client %}")


# --- From where a page goes on -------------------------------------------------------------------


def test_a_page_shows_what_was_written_long_before_its_request(queue: Queue) -> None:
    assert numbers(render("{% live_room queue %}", begun(), queue=queue)) == (0, 0)
    for title in "ab":
        write(queue, title, seconds_ago=60)
    assert numbers(render("{% live_room queue %}", begun(), queue=queue)) == (2, 2)


def test_after_a_reset_a_page_goes_on_from_there(queue: Queue) -> None:
    write(queue, "old", seconds_ago=60)
    with live.silently(Ticket):
        Ticket.objects.create(queue=queue, title="not captured")
    head = log.heads([f"helpdesk.queue.{queue.pk}"])[f"helpdesk.queue.{queue.pk}"]
    assert head > 1
    assert numbers(render("{% live_room queue %}", begun(), queue=queue)) == (head, head)


def test_a_page_may_lack_what_was_written_since_its_view_may_have_read(queue: Queue) -> None:
    write(queue, "old", seconds_ago=60)
    request = begun()
    # However long the view takes: half a minute here.
    request.META[positions.BEGAN_KEY] -= 30
    write(queue, "while it worked", seconds_ago=20)
    write(queue, "just now")
    assert numbers(render("{% live_room queue %}", request, queue=queue)) == (1, 3)


@pytest.mark.urls.with_args(ViewsThatWrite)
async def test_a_page_of_an_asgi_server_may_lack_what_was_written_since_its_request_began(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "MARGIN_SECONDS", 0)
    answer = await AsyncClient().get(f"/{queue.pk}/")
    assert numbers(answer.content.decode()) == (0, 1)


def test_a_page_with_very_many_new_events_begins_anew(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "MOST_YOUNG", 3)
    for title in "abcd":
        write(queue, title)
    assert numbers(render("{% live_room queue %}", begun(), queue=queue)) == (0, 4)


def test_a_room_is_asked_for_once_however_many_elements_name_it(queue: Queue, django_assert_num_queries: Any) -> None:
    write(queue, "old", seconds_ago=60)
    request = begun()
    first = render("{% live_room queue %}", request, queue=queue)
    with django_assert_num_queries(0):
        assert render("{% live_room queue %}{% live_room queue %}", request, queue=queue) == first * 2
