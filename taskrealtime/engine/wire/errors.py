"""The tree of errors that a client can receive, each with its code on the wire."""

from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError

#: What is raised when the database is away, overloaded or locked: no fault of ours, which a traceback would explain.
DATABASE_AWAY = (OperationalError, InterfaceError)
#: What PostgreSQL and SQLite say when a lock or a statement took too long: lock_not_available, query_canceled.
_TIMED_OUT = {"55P03", "57014", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT"}
#: Seconds after which it is worth trying again.
BUSY_SECONDS = 2.0


class RealTimeError(Exception):
    """An error that is sent to the other side: `code` on the wire, `status` over HTTP.

    Raised deep, caught once at each interface: HTTP and sockets.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    #: The WebSocket close code that follows the error, if it ends the connection.
    closes_with: ClassVar[int | None] = None

    def __init__(self, message: str, *, details: Any = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after = retry_after

    def as_data(self) -> dict[str, Any]:
        """`{code, message, details?, retry_after?}`, as sockets and HTTP answer it."""
        data: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details is not None:
            data["details"] = self.details
        if self.retry_after is not None:
            data["retry_after"] = self.retry_after
        return data


class InvalidMessage(RealTimeError):
    """Not JSON, not an object, no event name, a binary frame."""

    code = "invalid_message"
    status = 400


class UnknownEvent(RealTimeError):
    """No such client event."""

    code = "unknown_event"
    status = 400


class InvalidData(RealTimeError):
    """The data does not fit its declared type; `details` is a list of `{field, message}`."""

    code = "invalid_data"
    status = 400

    @classmethod
    def at(cls, field: str, message: str) -> "InvalidData":
        """Return the error for one wrong field, the common case."""
        return cls(f"{field}: {message}" if field else message, details=[{"field": field, "message": message}])


class Unauthenticated(RealTimeError):
    """A token is needed, and there is none."""

    code = "unauthenticated"
    status = 401
    closes_with = 4401


class TokenInvalid(Unauthenticated):
    """A token that is not ours, not an access token, or of a session that was ended."""

    code = "token_invalid"


class TokenExpired(Unauthenticated):
    """A token past its time."""

    code = "token_expired"


class NotFound(RealTimeError):
    """No such thing, or not one that this user may see: the error is the same."""

    code = "not_found"
    status = 404


class Forbidden(RealTimeError):
    """Visible, but this role may not do that."""

    code = "forbidden"
    status = 403


class Conflict(RealTimeError):
    """A field was changed meanwhile, or an idempotency key came again with other content."""

    code = "conflict"
    status = 409


class RateLimited(RealTimeError):
    """Too often; `retry_after` says in how many seconds again."""

    code = "rate_limited"
    status = 429


class Busy(RateLimited):
    """The server has more to do than it can take, and nothing was done."""

    status = 503


class Internal(RealTimeError):
    """Our fault; the log has the same reference as `details`."""

    code = "internal"
    status = 500


def busy(error: Exception) -> Busy | None:
    """Return the error for a statement that ran, or waited for a lock, for too long; None: it is no such."""
    if {sqlstate(error), getattr(error.__cause__, "sqlite_errorname", None)} & _TIMED_OUT:
        return Busy("The database is busy. Nothing was done: try again a little later.", retry_after=BUSY_SECONDS)
    return None


def sqlstate(error: Exception) -> str | None:
    """Return PostgreSQL's code of a database error as Django raises it; psycopg 2 names it otherwise than psycopg 3."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def all_errors(base: type[RealTimeError] = RealTimeError) -> list[type[RealTimeError]]:
    """Return every error class of the tree below `base`, parents first."""
    found = []
    for error in base.__subclasses__():
        found += [error, *all_errors(error)]
    return found
