"""Every setting of ours with its default, read when used, so that `override_settings` works.

A project sets them in one dict, `TASKREALTIME = {"SWEEP_INTERVAL": 0.5}`. Those that release 0.1 had may also be
settings of the same name; the dict counts first, since such a name may mean something else to the project.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, cast, get_type_hints

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from . import values

#: The project's setting that holds ours.
DICT = "TASKREALTIME"


class Settings:
    """The settings. Seconds, bytes and days are said by each; its type names the function that checks its values."""

    #: Bytes of a request's body; more are refused before they are kept.
    HTTP_MAX_BODY: Annotated[int, values.read_count] = 1024 * 1024
    #: Paths, each with the bytes of a body there, where the application receives a body while it arrives. One that ends
    #: with a slash means all below it. Django keeps such a body all the same: they are for an application before it.
    HTTP_STREAMED_BODIES: Annotated[dict[str, int], values.read_sizes] = {}
    #: How long a connection may stay without a request, seconds: longer than a proxy keeps one that it may use again.
    HTTP_IDLE_TIMEOUT: Annotated[float, values.read_positive] = 75
    #: How long the head of a request may take to arrive, seconds.
    HTTP_HEAD_TIMEOUT: Annotated[float, values.read_positive] = 20
    #: How long its body may take, seconds; a streamed one may take longer while it moves.
    HTTP_BODY_TIMEOUT: Annotated[float, values.read_positive] = 30
    #: How long a client may take to read what the server has written, up to 64 KiB, seconds.
    HTTP_SEND_TIMEOUT: Annotated[float, values.read_positive] = 30
    #: Where the board's socket is.
    SOCKET_PATH: Annotated[str, values.read_path] = "/ws/"
    #: Where users sign out by a POST, a path or the name of a URL; empty: our own page, or one named `logout`.
    SIGN_OUT_URL: Annotated[str, values.read_text] = ""
    #: Whether sockets are accepted at all; the switch for an emergency.
    WEBSOCKET_ENABLED: Annotated[bool, values.read_bool] = True
    #: Origins (`https://host`) that may open sockets; empty: the same origin only; `*`: any.
    WEBSOCKET_CORS_ORIGINS: Annotated[list[str], values.read_origins] = []
    #: How often a client is asked to send `ping`, seconds.
    WEBSOCKET_PING_INTERVAL: Annotated[float, values.read_positive] = 25
    #: How long a client may be silent before it counts as gone, seconds.
    WEBSOCKET_PING_TIMEOUT: Annotated[float, values.read_positive] = 60
    #: How long a socket may stay without signing in, seconds.
    WEBSOCKET_CONNECT_TIMEOUT: Annotated[float, values.read_positive] = 10
    #: Bytes that may wait for one slow reader before it is cut.
    WEBSOCKET_SEND_BUFFER: Annotated[int, values.read_count] = 1024 * 1024
    #: Events of one user over all connections and processes, changes by HTTP included: as many at once, and as many
    #: again over the time behind the slash; `0`: no limit.
    WEBSOCKET_RATE_LIMIT: Annotated[str, values.read_limit] = "200/10s"
    #: Answers of the API to one user that change nothing, over all processes: each counts once, and once more for each
    #: 16 KiB; as above.
    HTTP_READ_LIMIT: Annotated[str, values.read_limit] = "6000/1m"
    #: Connections of one user over all processes; the next is closed with 4409. 0: no limit, as below.
    WEBSOCKET_MAX_CONNECTIONS_PER_USER: Annotated[int, values.read_count] = 50
    #: Connections to one process from one address; the next is refused with HTTP 429.
    WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: Annotated[int, values.read_count] = 20_000
    #: Sockets that are opened to one process from one address and do not sign in; as above. The next is refused with
    #: HTTP 429.
    WEBSOCKET_OPEN_LIMIT: Annotated[str, values.read_limit] = "5000/5m"
    #: Connections to one process that are not signed in yet; the next is refused with HTTP 503.
    WEBSOCKET_MAX_HANDSHAKES: Annotated[int, values.read_count] = 5000
    #: Projects that one connection may have joined.
    WEBSOCKET_MAX_PROJECTS: Annotated[int, values.read_count] = 500
    #: Wrong passwords for one name, and from one address.
    SIGN_IN_RATE_LIMIT: Annotated[str, values.read_limit] = "10/5m"
    SIGN_IN_ADDRESS_RATE_LIMIT: Annotated[str, values.read_limit] = "100/5m"
    #: Additions of strangers to projects, by one adder and of one user. A stranger shares no project with the adder
    #: that the stranger joined by choice.
    STRANGER_RATE_LIMIT: Annotated[str, values.read_limit] = "60/1h"
    #: Whether all visitors may create an account, where the account pages are; without it, only invited ones may.
    OPEN_SIGN_UP: Annotated[bool, values.read_bool] = False
    #: Other ways to sign in that the sign-in page of the account pages links to: a name, and a URL or the name of one.
    SIGN_IN_LINKS: Annotated[list[tuple[str, str]], values.read_links] = []
    #: How long an access token counts, minutes, and a refresh token, days.
    ACCESS_TOKEN_MINUTES: Annotated[float, values.read_positive] = 10
    REFRESH_TOKEN_DAYS: Annotated[float, values.read_positive] = 7
    #: The key that signs our tokens; empty: one that is made of SECRET_KEY, so that no other code's tokens count here.
    SIGNING_KEY: Annotated[str, values.read_text] = ""
    #: Earlier ones, whose tokens still count. Those that were made of SECRET_KEY_FALLBACKS do without being listed.
    SIGNING_KEY_FALLBACKS: Annotated[list[str], values.read_texts] = []
    #: The token that reading `/metrics` needs; empty: none.
    METRICS_TOKEN: Annotated[str, values.read_text] = ""
    #: Addresses and networks whose `X-Forwarded-For` and `-Proto` are believed; `unix`: any peer on the Unix socket.
    TRUSTED_PROXIES: Annotated[list[str], values.read_networks] = []
    #: The Redis servers over which processes share counts and presence; empty: there is one process.
    REDIS_URLS: Annotated[list[str], values.read_redis_urls] = []
    #: What the keys and groups of this installation begin with there: another one for each that shares a server.
    REDIS_PREFIX: Annotated[str, values.read_redis_prefix] = "taskrealtime"
    #: How long a statement of a server may take on PostgreSQL, and how long it may wait for one lock, seconds; 0: no
    #: limit. What takes longer is given up and answered `rate_limited`.
    DATABASE_TIMEOUT: Annotated[float, values.read_not_negative] = 30
    DATABASE_LOCK_TIMEOUT: Annotated[float, values.read_not_negative] = 10
    #: Pause between two looks at the log, seconds: the longest that a lost publication delays an event.
    SWEEP_INTERVAL: Annotated[float, values.read_positive] = 1
    #: How long events and idempotency keys are kept, days.
    EVENT_RETENTION_DAYS: Annotated[float, values.read_positive] = 30
    #: How long the log keeps text that was edited away, days; at most as long as its event.
    REPLACED_TEXT_DAYS: Annotated[float, values.read_not_negative] = 1
    #: Pause between two rounds of `manage.py remind --loop`, seconds.
    REMIND_INTERVAL: Annotated[float, values.read_positive] = 30
    #: Where people reach the pages (`https://board.example.org`); empty: where the request says.
    PUBLIC_URL: Annotated[str, values.read_public_url] = ""
    #: How many hours before a task is due a user is reminded, unless the user chose otherwise.
    REMIND_BEFORE_HOURS: Annotated[float, values.read_not_negative] = 24


#: What checks a value, by the name of the setting.
READERS: dict[str, values.Reader] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()
}
#: Names that release 0.1 did not have: as settings beside the dict they are others'.
IN_DICT_ONLY = {"SIGN_OUT_URL", "SOCKET_PATH", "SIGN_IN_LINKS", "SIGNING_KEY", "SIGNING_KEY_FALLBACKS"}


def default_of(name: str) -> Any:
    """Return the default of a setting."""
    return copy(vars(Settings)[name])


@dataclass(frozen=True)
class Problem:
    """A setting of ours that cannot be meant."""

    #: Empty: no such setting.
    name: str
    sentence: str


def problems() -> Iterator[Problem]:
    """Yield what is wrong in the project's dict, and in settings beside it."""
    given = getattr(django_settings, DICT, _NONE)
    yield from _problems_of(given)
    in_dict = given if isinstance(given, dict) else _NONE
    for name in READERS:
        if name not in IN_DICT_ONLY and name not in in_dict and hasattr(django_settings, name):
            yield from _problem(name, name, getattr(django_settings, name))


def _problems_of(given: object) -> Iterator[Problem]:
    if not isinstance(given, dict):
        yield Problem("", f"{DICT} must be a dict of settings, not {type(given).__name__}.")
        return
    for name, value in given.items():
        if name in READERS:
            yield from _problem(name, f"{DICT}[{name!r}]", value)
            continue
        similar = get_close_matches(str(name), READERS, n=1)
        yield Problem("", f"{DICT} has no setting {name!r}" + (f": is {similar[0]!r} meant?" if similar else "."))


def _problem(name: str, place: str, value: object) -> Iterator[Problem]:
    try:
        READERS[name](value)
    except ValueError as error:
        yield Problem(name, f"{place}: {error}.")


class _Current:
    """The settings as they are now: each is looked up when it is first read, and again when settings have changed."""

    def __getattr__(self, name: str) -> Any:
        """Look up a setting.

        Raises:
            ImproperlyConfigured: something in the project's dict cannot be meant.
        """
        if name not in READERS:
            raise AttributeError(name)
        value = self.__dict__[name] = _look_up(name)
        return value


def _look_up(name: str) -> Any:
    given = getattr(django_settings, DICT, _NONE)
    for problem in _problems_of(given):
        raise ImproperlyConfigured(problem.sentence)
    if name in given:
        return READERS[name](given[name])
    default = default_of(name)
    return default if name in IN_DICT_ONLY else getattr(django_settings, name, default)


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    """Forget what was read, as `override_settings` says that it may be wrong now."""
    vars(settings).clear()


_NONE: dict[str, Any] = {}
settings = cast(Settings, _Current())
