"""A crowd that comes back in one moment is taken in again, and nobody has missed anything."""

import asyncio

import pytest

from tests.support.crowd import Crowd
from tests.support.stacks import Stack

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

PEOPLE, PROJECTS, CONNECTIONS, MISSED = 150, 15, 1500, 5

#: Makes the people and their projects; `result` is their tokens, and the projects.
PREPARE = """
from taskrealtime.engine import auth
from taskrealtime.models import user_room
from taskrealtime.engine import log
people = User.objects.bulk_create([User(username=f"crowd{n}", password="x") for n in range(count)])
for person in people:
    log.create_room(user_room(person.pk))
made = [Project.objects.create(name=f"Board {n}") for n in range(projects)]
for n, project in enumerate(made):
    Membership.objects.bulk_create([Membership(project=project, user=person) for person in people[n::projects]])
result = [[str(auth.make_access_token(person)) for person in people], [project.pk for project in made]]
"""
#: Writes into every project; `result` is where their logs end.
WRITE = """
from taskrealtime.engine import log
for project in projects:
    for n in range(each):
        Task.objects.create(project_id=project, title=f"missed {n}")
result = log.heads([f"project.{project}" for project in projects])
"""


@pytest.mark.parametrize("kind", ["embedded", "deployed"])
def test_a_crowd_that_was_cut_off_comes_back_and_has_missed_nothing(kind: str) -> None:
    """Were each sign-in and join a few questions to the database of its own, every attempt would take too long."""
    stack = Stack(kind)
    try:
        asyncio.run(cut_off_and_come_back(stack))
    finally:
        stack.close()


async def cut_off_and_come_back(stack: Stack) -> None:
    server = stack.server(serve=True)
    tokens, projects = stack.run(PREPARE, count=PEOPLE, projects=PROJECTS)
    crowd = Crowd(server.port, tokens, projects, CONNECTIONS)
    await crowd.arrive()
    crowd.told.clear()
    crowd.cut()
    heads = await asyncio.to_thread(stack.run, WRITE, projects=projects, each=MISSED)
    await crowd.caught_up(heads, 60)
    assert crowd.faults == []
    assert set(crowd.told) <= {"attempts", "attempts given up"}, crowd.told  # no error, no reset
    assert crowd.deliveries == CONNECTIONS * MISSED
    crowd.close()
    assert await asyncio.to_thread(server.stop) == 0
    assert "Traceback" not in server.log(0)
