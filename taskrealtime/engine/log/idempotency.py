"""A change that comes again with the same key has no second effect and gets the first answer."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
from django.db import connection
from django.db.models import Q

from taskrealtime.engine.conf import user_model
from taskrealtime.engine.conf.user_model import UserKey
from taskrealtime.engine.models import IdempotencyKey
from taskrealtime.engine.wire.errors import Conflict

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


def once(
    *, user_id: UserKey, key: str, request: bytes, answer_type: type[AnswerT], change: Callable[[], AnswerT]
) -> tuple[AnswerT, bool]:
    """Carry out `change`, unless this user's `key` was already used for the same request.

    The key is inserted first, in the transaction of the effect: a second request with it waits for the first to
    commit. A change that raises takes its key back with the rollback, so that failures are not remembered.

    Args:
        request: what is asked, canonically; another one under the same key is a conflict.

    Returns:
        the answer, and whether it is an earlier one's.

    Raises:
        Conflict: the key came before with another request.
    """
    fingerprint = hashlib.sha256(request).hexdigest()
    while not _insert(user_id, key, fingerprint):
        earlier = IdempotencyKey.objects.filter(_of(user_id), key=key).first()
        if earlier is None:
            continue  # It was trimmed away between the two statements.
        if earlier.fingerprint != fingerprint:
            raise Conflict("This key was used before for another request.")
        return msgspec.json.decode(earlier.answer, type=answer_type), True
    answer = change()
    text = msgspec.json.encode(answer).decode()
    IdempotencyKey.objects.filter(_of(user_id), key=key).update(answer=text)
    return answer, False


def _of(user_id: UserKey) -> Q:
    """Return the condition that a row is this user's, also if the release before wrote it."""
    by_number = user_model.as_number(user_id)
    written_before = Q(user_key=None, user_id=by_number) if by_number is not None else Q()
    return Q(user_key=user_model.as_text(user_id)) | written_before


def _insert(user_id: UserKey, key: str, fingerprint: str) -> bool:
    """Insert the key; return whether it was new. Waits for another transaction that is inserting the same one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO engine_idempotencykey (user_key, user_id, "key", fingerprint, answer, created_at)
            VALUES (%s, %s, %s, %s, '', CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING
            """,
            [user_model.as_text(user_id), user_model.as_number(user_id), key, fingerprint],
        )
        return cursor.rowcount == 1
