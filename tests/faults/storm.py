"""A storm: a crowd of clients is cut off in one moment and returns, by `since` or by a reset and the board."""

import asyncio
from contextlib import aclosing

from tests.support.crowd import Crowd

from .installation import Installation
from .report import Seconds

PEOPLE, TASKS, MISSED = 150, 1000, 5
#: Seconds that all clients have to catch up.
TIMEOUT_SECONDS = 120.0

#: Makes the people, and their projects with so many tasks each; `result` is their tokens, and the projects.
PREPARE = """
from taskrealtime.engine.auth import tokens
from taskrealtime.contract.room_names import user_room
from taskrealtime.engine import log
people = User.objects.bulk_create([User(username=f"crowd{n}", password="x") for n in range(count)])
for person in people:
    log.create_room(user_room(person.pk))
made = [Project.objects.create(name=f"Board {n}") for n in range(projects)]
for n, project in enumerate(made):
    Membership.objects.bulk_create([Membership(project=project, user=person) for person in people[n::projects]])
    Task.objects.bulk_create([Task(project=project, title=f"task {n}") for n in range(tasks)])
result = [[str(tokens.make_access_token(person)) for person in people], [project.pk for project in made]]
"""
#: Writes into every project; `result` is where their logs end.
WRITE = """
from taskrealtime.engine import log
for project in projects:
    for n in range(each):
        Task.objects.create(project_id=project, title=f"missed {n}")
result = log.heads([f"project.{project}" for project in projects])
"""


async def measure(installation: Installation, clients: int, times: int) -> tuple[dict[str, Seconds], list[str]]:
    """Seconds until all clients of one board have caught up, each so many times; and what went wrong.

    Counted from the moment in which they were cut off: they return when their backoff lets them.
    """
    tokens, projects = await installation.ask(PREPARE, count=PEOPLE, projects=1, tasks=TASKS)
    async with aclosing(Crowd([slot.port for slot in installation.slots], tokens, projects, clients)) as crowd:
        await crowd.arrive()
        by_since = [await _storm(installation, crowd, projects) for _ in range(times)]
        by_reset = []
        for _ in range(times):
            crowd.forget_epoch()
            by_reset.append(await _storm(installation, crowd, projects))
    named = f"{clients} clients cut off: all caught up"
    timings = {f"{named} by `since` after": Seconds(tuple(by_since))}
    timings[f"{named} by a board of {TASKS} tasks after"] = Seconds(tuple(by_reset))
    refused = [
        f"{count} times {what}" for what, count in crowd.counts.items() if what.startswith(("board: 5", "error"))
    ]
    return timings, crowd.faults + refused


async def _storm(installation: Installation, crowd: Crowd, projects: list[int]) -> float:
    begun = asyncio.get_running_loop().time()
    crowd.cut()
    heads = await installation.ask(WRITE, projects=projects, each=MISSED)
    await crowd.caught_up(heads, TIMEOUT_SECONDS)
    return asyncio.get_running_loop().time() - begun
