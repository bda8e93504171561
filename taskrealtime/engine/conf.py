"""Every setting of the engine with its default, read when used so that `override_settings` works."""

from django.conf import settings as django_settings


class Settings:
    """The engine's settings. Seconds, bytes and days are said by each."""

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
    #: Pause between two looks at the log, seconds: the longest that a lost ring delays an event.
    SWEEP_INTERVAL: float = 1
    #: How long events and idempotency keys are kept, days.
    EVENT_RETENTION_DAYS: float = 30
    #: Pause between two rounds of `manage.py remind --loop`, seconds.
    REMIND_INTERVAL: float = 30
    #: How long before a task is due somebody is reminded who has not said otherwise, hours.
    REMIND_BEFORE_HOURS: float = 24

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_"):
            return super().__getattribute__(name)
        return getattr(django_settings, name, super().__getattribute__(name))


settings = Settings()
