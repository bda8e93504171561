"""Every setting of the engine with its default, read when used so that `override_settings` works."""

from django.conf import settings as django_settings


class Settings:
    """The engine's settings. Seconds, bytes and days are said by each."""

    #: Bytes of a request's body; more are refused before they are kept.
    HTTP_MAX_BODY: int = 1024 * 1024
    #: Paths, each with the bytes of a body there, where the application receives a body while it arrives. One that ends
    #: with a slash means all below it. Django keeps such a body all the same: they are for an application before it.
    HTTP_STREAMED_BODIES: dict[str, int] = {}
    #: How long a connection may stay without a request, seconds: longer than a proxy keeps one that it may use again.
    HTTP_IDLE_TIMEOUT: float = 75
    #: How long the head of a request may take to arrive, seconds.
    HTTP_HEAD_TIMEOUT: float = 20
    #: How long its body may take, seconds; a streamed one may take longer while it moves.
    HTTP_BODY_TIMEOUT: float = 30
    #: How long a client may take to read what the server has written, up to 64 KiB, seconds.
    HTTP_SEND_TIMEOUT: float = 30
    #: Whether sockets are accepted at all; the switch for an emergency.
    WEBSOCKET_ENABLED: bool = True
    #: Origins (`https://host`) that may open sockets; empty: the same origin only; `*`: any.
    WEBSOCKET_CORS_ORIGINS: list[str] = []
    #: How often a client is asked to send `ping`, seconds.
    WEBSOCKET_PING_INTERVAL: float = 25
    #: How long a client may be silent before it counts as gone, seconds.
    WEBSOCKET_PING_TIMEOUT: float = 60
    #: How long a socket may stay without signing in, seconds.
    WEBSOCKET_CONNECT_TIMEOUT: float = 10
    #: Bytes that may wait for one slow reader before it is cut.
    WEBSOCKET_SEND_BUFFER: int = 1024 * 1024
    #: Events of one user over all connections and processes, changes by HTTP included: as many at once, and as many
    #: again over the time behind the slash; `0`: no limit.
    WEBSOCKET_RATE_LIMIT: str = "200/10s"
    #: Answers of the API to one user that change nothing, over all processes: each counts once, and once more for each
    #: 16 KiB; as above.
    HTTP_READ_LIMIT: str = "6000/1m"
    #: Connections of one user over all processes; the next is closed with 4409. 0: no limit, as below.
    WEBSOCKET_MAX_CONNECTIONS_PER_USER: int = 50
    #: Connections to one process from one address; the next is refused with HTTP 429.
    WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: int = 20_000
    #: Connections to one process that are not signed in yet; the next is refused with HTTP 503.
    WEBSOCKET_MAX_HANDSHAKES: int = 5000
    #: Projects that one connection may have joined.
    WEBSOCKET_MAX_PROJECTS: int = 500
    #: Wrong passwords for one name, and from one address.
    SIGN_IN_RATE_LIMIT: str = "10/5m"
    SIGN_IN_ADDRESS_RATE_LIMIT: str = "100/5m"
    #: Additions of strangers to projects, by one adder and of one user. A stranger shares no project with the adder
    #: that the stranger joined by choice.
    STRANGER_RATE_LIMIT: str = "60/1h"
    #: Addresses and networks whose `X-Forwarded-For` and `-Proto` are believed; `unix`: any peer on the Unix socket.
    TRUSTED_PROXIES: list[str] = []
    #: The Redis servers over which processes share counts and presence; empty: there is one process.
    REDIS_URLS: list[str] = []
    #: What the keys and groups of this installation begin with there: another one for each that shares a server.
    REDIS_PREFIX: str = "taskrealtime"
    #: How long a statement of a server may take on PostgreSQL, and how long it may wait for one lock, seconds; 0: no
    #: limit. What takes longer is given up and answered `rate_limited`.
    DATABASE_TIMEOUT: float = 30
    DATABASE_LOCK_TIMEOUT: float = 10
    #: Pause between two looks at the log, seconds: the longest that a lost ring delays an event.
    SWEEP_INTERVAL: float = 1
    #: How long events and idempotency keys are kept, days.
    EVENT_RETENTION_DAYS: float = 30
    #: How long the log keeps text that was edited away, days; at most as long as its event.
    REPLACED_TEXT_DAYS: float = 1
    #: Pause between two rounds of `manage.py remind --loop`, seconds.
    REMIND_INTERVAL: float = 30
    #: Where people reach the pages (`https://board.example.org`); empty: where the request says.
    PUBLIC_URL: str = ""
    #: How many hours before a task is due a user is reminded, unless the user chose otherwise.
    REMIND_BEFORE_HOURS: float = 24

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_"):
            return super().__getattribute__(name)
        return getattr(django_settings, name, super().__getattribute__(name))


settings = Settings()
