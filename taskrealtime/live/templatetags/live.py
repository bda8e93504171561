"""Makes rendered pages live: `{% load live %}`.

{% live_client %}                         the script, once a page
<p {% live_room queue %}>                 the element gets an event `live` when something happened in the room
<tbody id="rows" {% live_records queue %}>  it is brought up to date from the page's own URL
"""

from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from taskrealtime.engine.conf.domain import domain
from taskrealtime.engine.http.page import csrf_cookie, csrf_header, socket_path
from taskrealtime.live import room_names
from taskrealtime.live.pages import api_base
from taskrealtime.live.positions import PagePosition, position_of

register = template.Library()

#: The script, where `collectstatic` puts it.
SCRIPT = "taskrealtime/live/live.js"
#: Where a request keeps the positions that were read for its page.
_KEPT = "_taskrealtime_positions"


@register.simple_tag(takes_context=True)
def live_client(context: Context, *, nonce: str = "") -> SafeString:
    """Return the script of live pages, with where it finds the server; nothing for visitors that are not signed in.

    Args:
        nonce: of the page's Content-Security-Policy, if that names scripts so.

    Raises:
        ImproperlyConfigured: the page has no request, or the project lacks the URLs of live rooms.
    """
    request = _request_of(context)
    if request is None:
        raise ImproperlyConfigured(
            "{% live_client %} needs the request: render the template with it, and list "
            "django.template.context_processors.request in the context_processors of TEMPLATES."
        )
    api, user = api_base(), getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return SafeString("")
    token = get_token(request)  # sets the cookie, too
    given = {
        "type": "module",
        "src": static(SCRIPT),
        "nonce": nonce or None,
        "data-taskrealtime-live": True,
        "data-api": api,
        "data-socket": socket_path(request),
        "data-user": str(user.pk),
        "data-csrf-cookie": csrf_cookie() or None,
        "data-csrf-header": csrf_header(),
        "data-csrf-token": None if csrf_cookie() else token,
    }
    return format_html("<script{}></script>", _attributes(given))


@register.simple_tag(takes_context=True)
def live_room(context: Context, room: str | Model | None) -> SafeString:
    """Return attributes for an element that is about a room: a row whose room it is, or the room's name.

    None, such as an empty foreign key, has no room and gives no attributes.

    Raises:
        ImproperlyConfigured: there is no such room.
    """
    return SafeString("") if room is None else _attributes(_room_attributes(context, room))


@register.simple_tag(takes_context=True)
def live_records(context: Context, room: str | Model | None, *, url: str | None = None) -> SafeString:
    """As `live_room`, for an element that the script brings up to date by itself.

    Args:
        url: what renders the element, if not the page's own URL.

    Raises:
        ImproperlyConfigured: there is no such room.
    """
    if room is None:
        return SafeString("")
    return _attributes(_room_attributes(context, room) | {"data-live-records": True, "data-live-url": url})


def _room_attributes(context: Context, room: str | Model) -> dict[str, Any]:
    name = _name_of(room)
    request = _request_of(context)
    kept: dict[str, PagePosition] = {} if request is None else request.__dict__.setdefault(_KEPT, {})
    if name not in kept:
        kept[name] = position_of(name, request)
    since, end = kept[name]
    return {
        "data-live-room": name,
        "data-live-since": str(since),
        "data-live-head": str(end.offset),
        "data-live-epoch": end.epoch,
    }


def _name_of(room: str | Model) -> str:
    if isinstance(room, Model):
        model: Any = type(room)._meta.concrete_model
        name = room_names.room_name(model, room.pk)
    else:
        name = room
    if not domain.is_captured(name):
        raise ImproperlyConfigured(
            f"{name!r} names no room of a live model: give a row whose model has rooms, such as that of "
            'live(Ticket, room="queue", …) or live(Ticket, room=None, …), or the room\'s name.'
        )
    return name


def _request_of(context: Context) -> HttpRequest | None:
    request: HttpRequest | None = context.get("request")
    return request


def _attributes(given: dict[str, Any]) -> SafeString:
    """Return attributes as they stand in a tag, without those that are None."""
    return flatatt({name: value for name, value in given.items() if value is not None})
