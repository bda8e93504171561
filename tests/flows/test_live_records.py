"""The records that the JavaScript client keeps of a live room, beside the server's own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import pytest

from tests.flows.test_live_rooms import Desk, desk
from tests.support.stacks import ROOT

__all__ = ["desk"]

#: Each kind of write to the tickets of a queue; `first` and `second` were there before.
WRITES = """
from django.db import connection, transaction
first, second = (Ticket.objects.get(pk=pk) for pk in tickets)
first.title = 'Saved'
first.save()
Ticket.objects.filter(pk=second.pk).update(votes=F('votes') + 3)
Ticket.objects.bulk_create([Ticket(queue_id=queue, title=f'Bulk {number}') for number in range(20)])
connection.cursor().execute("UPDATE helpdesk_ticket SET votes = 99 WHERE title = 'Bulk 3'")
Ticket.objects.filter(title__in=['Bulk 4', 'Bulk 5']).delete()
other = Queue.objects.create(name='Other')
Ticket.objects.filter(title='Bulk 6').update(queue=other)
Ticket.objects.create(queue=other, title='Arrived')
Ticket.objects.filter(title='Arrived').update(queue_id=queue)
with transaction.atomic():
    Ticket.objects.create(queue_id=queue, title='x' * 40)
    first.delete()
Ticket.objects.create(queue_id=queue, title='The end')
"""


@contextmanager
def program(desk: Desk, way: str) -> Iterator[Iterator[list[dict[str, Any]]]]:
    """Run the client in Node; yields what it prints."""
    url = f"{desk.server.url.replace('http', 'ws')}/ws/"
    command = ["node", "tests/js/records_program.js", url, desk.server.token(desk.ann), desk.room, way]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        timeout = Timer(60, process.kill)  # ends what is printed, too
        timeout.start()
        try:
            yield (json.loads(line) for line in process.stdout)
        finally:
            timeout.cancel()
            process.kill()


@pytest.mark.parametrize("way", ["live", "polling"])
def test_the_clients_records_are_the_servers_after_writes_of_all_kinds(desk: Desk, way: str) -> None:
    tickets = [desk.write("First"), desk.write("Second")]
    with program(desk, way) as printed:
        assert {ticket["id"] for ticket in next(printed)} >= set(tickets)
        desk.run(f"from django.db.models import F\n{WRITES}", tickets=tickets)
        for records in printed:
            if any(ticket["title"] == "The end" for ticket in records):
                break
    desk_now = desk.server.api(desk.ann).get(f"/api/rooms/{desk.room}/").json()["records"]["helpdesk.ticket"]
    assert sorted(records, key=lambda ticket: ticket["id"]) == desk_now
    desk.run("Ticket.objects.filter(queue_id=queue).delete()")
