"""The acting user: carried by a context, so that every event can name it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .engine.conf.user_model import User
from .live import live

_actor: ContextVar[User | None] = ContextVar("taskrealtime_actor", default=None)


@contextmanager
def acting_as(user: User | None) -> Iterator[None]:
    """Announce everything that is saved inside as done by `user`; None: by the system.

    with acting_as(user):
        task.save()
    """
    token = _actor.set(user)
    try:
        with live.acting_as(user):
            yield
    finally:
        _actor.reset(token)


def current_actor() -> User | None:
    """Return the user of the innermost `acting_as`, or None: the system."""
    return _actor.get()
