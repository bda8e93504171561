"""Code that knows nothing of servers: a Django process that saves models on command, one line after another.

A ticket belongs to a live model, and its project is a queue; all else is the board's.

`python -m tests.faults.foreign [SECONDS]` (its clock is so much off) reads `{"kind", "token", "project", "task"}` and
answers each line with `{"token", "task"}` once it is committed, or `{"token", "error"}`.
"""

import json
import os
import sys
from typing import Any

from .clock import shift

#: With what the description of a burst's tasks begins.
BURST = "burst"


def carry_out(kind: str, token: str, project: int, task: int | None) -> int | None:
    """One change, in one transaction of its own; the id of the task that was made, if any."""
    from django.db import connection, transaction

    from taskrealtime.models import Comment, Task
    from tests.support.helpdesk.models import Ticket

    match kind:
        case "create":
            return int(Task.objects.create(project_id=project, title=token).pk)
        case "update":
            if not Task.objects.filter(pk=task).update(title=token):
                raise LookupError("The task is gone.")
        case "comment":
            with transaction.atomic():
                Comment.objects.create(task=Task.objects.select_for_update().get(pk=task), author=None, content=token)
        case "ticket":
            return int(Ticket.objects.create(queue_id=project, title=token).pk)
        case "retitle":
            # By SQL of its own, which no manager and no signal of Django's has a part in.
            with connection.cursor() as cursor:
                cursor.execute("UPDATE helpdesk_ticket SET title = %s WHERE id = %s", [token, task])
        case "burst":
            _burst(project, token)
    return None


def _burst(project: int, token: str) -> None:
    """Many events at once without many tasks: `token` names how many."""
    from django.db import transaction

    from taskrealtime.models import Task

    wanted = int(token.partition(":")[2])
    with transaction.atomic():
        ids = list(
            Task.objects.filter(project_id=project, description__startswith=BURST).values_list("pk", flat=True)[:100]
        )
        if len(ids) < 100:
            made = [Task(project_id=project, title="of a burst", description=BURST) for _ in range(100 - len(ids))]
            ids += [task.pk for task in Task.objects.bulk_create(made)]
            wanted -= len(made)
        while wanted > 0:
            some = Task.objects.filter(pk__in=ids[:wanted])
            wanted -= some.update(description=f"{BURST} {token} {wanted}")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one line."""
    from django.db import close_old_connections

    try:
        return {"token": request["token"], "task": carry_out(**request)}
    except Exception as error:
        return {"token": request["token"], "error": f"{type(error).__name__}: {error}"}
    finally:
        close_old_connections()


def main() -> None:
    """Follow the commands until stdin ends."""
    if len(sys.argv) > 1:
        shift(float(sys.argv[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
