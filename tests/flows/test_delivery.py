"""Nothing lost, nothing twice, in order: through disconnects, crowds, killed processes and a Redis that is away."""

import random
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conftest import _STACK, Connect
from tests.flows.boards import carried_on, picture
from tests.flows.conftest import StartServer, Users, both_installations, make_project
from tests.flows.objects import check_event
from tests.support.fences import names, received
from tests.support.meanwhile import LOCK, POUR, Meanwhile
from tests.support.sockets import Closed, Frame, Refused, Socket
from tests.support.stacks import LIGHT, Server, Stack, User, Worker


def create_many(stack: Stack, project: int, count: int, title: str = "n") -> None:
    """As many tasks, one transaction each (one for all where there are many)."""
    code = (
        "if count > 200: Task.objects.bulk_create([Task(project_id=p, title=f'{title}{n}') for n in range(count)])\n"
        "else:\n    for n in range(count): Task.objects.create(project_id=p, title=f'{title}{n}')"
    )
    stack.run(code, p=project, count=count, title=title)


def truth(server: Server, user: User, project: int) -> list[Frame]:
    """The whole log, by REST."""
    frames: list[Frame] = []
    while True:
        since = frames[-1]["seq"] if frames else 0
        page = server.api(user).get(f"/api/projects/{project}/events/", params={"since": since, "limit": 500}).json()
        if not page["events"]:
            return frames
        frames += page["events"]


# --- Resuming -----------------------------------------------------------------------------------------


@both_installations
def test_a_user_who_comes_back_gets_what_was_missed(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    first = connect(server, users.bob)
    joined = first.ask("join_project", {"project_id": project})
    create_many(server.stack, project, 5)
    seen = first.read_to(project, joined["seq"] + 5)
    first.drop()
    create_many(server.stack, project, 7, "missed")
    again = connect(server, users.bob)
    answer = again.ask("join_project", {"project_id": project, "since": seen[-1]["seq"], "epoch": joined["epoch"]})
    assert (answer["reset"], answer["seq"]) == (False, joined["seq"] + 12)
    missed = received(again, project)
    assert [frame["seq"] for frame in missed] == list(range(joined["seq"] + 6, joined["seq"] + 13))
    assert [frame["data"]["task"]["title"] for frame in missed] == [f"missed{n}" for n in range(7)]
    for frame in missed:
        check_event(frame)
    # From the beginning, it is byte for byte what was delivered live.
    third = connect(server, users.bob)
    third.ask("join_project", {"project_id": project, "since": 0, "epoch": joined["epoch"]})
    replayed = received(third, project)
    assert replayed[joined["seq"] : joined["seq"] + 5] == seen


def test_the_answer_to_join_comes_before_the_missed_events(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    create_many(server.stack, project, 30)
    socket = connect(server, users.bob)
    socket.send_event("join_project", {"project_id": project, "since": 0}, id="join")
    answer = socket.next()
    assert (answer["event"], answer["id"]) == ("ack", "join")
    head = answer["data"]["seq"]
    assert [socket.next()["seq"] for _ in range(head)] == list(range(1, head + 1))


def test_without_since_one_starts_at_the_head(server: Server, users: Users, connect: Connect, project: int) -> None:
    socket = connect(server, users.bob)
    head = socket.ask("join_project", {"project_id": project})["seq"]
    create_many(server.stack, project, 1)
    assert [frame["seq"] for frame in received(socket, project)] == [head + 1]


def test_what_cannot_be_continued_is_a_reset(server: Server, users: Users, connect: Connect, project: int) -> None:
    probe = connect(server, users.bob)
    answer = probe.ask("join_project", {"project_id": project})
    head, epoch = answer["seq"], answer["epoch"]
    for since, known in ((head + 1, epoch), (2**62, epoch), (head, "another"), (0, "another"), (head, "")):
        socket = connect(server, users.bob)
        answer = socket.ask("join_project", {"project_id": project, "since": since, "epoch": known})
        assert answer["reset"] is True, (since, known)
        assert (answer["seq"], answer["epoch"]) == (head, epoch)
        assert received(socket, project) == []  # live from the head on
        head += 1
        socket.close()
    socket = connect(server, users.bob)
    assert socket.ask("join_project", {"project_id": project, "since": head, "epoch": epoch})["reset"] is False
    assert received(socket, project) == []


def test_more_than_two_thousand_missed_is_a_reset(server: Server, users: Users, connect: Connect, project: int) -> None:
    with server.connect(users.bob) as probe:
        head = probe.ask("join_project", {"project_id": project})["seq"]
    create_many(server.stack, project, 2001)
    late, later = connect(server, users.bob, max_queue=None), connect(server, users.cas, max_queue=None)
    answer = late.ask("join_project", {"project_id": project, "since": head})
    assert answer["reset"] is True
    assert answer["seq"] == head + 2001
    answer = later.ask("join_project", {"project_id": project, "since": head + 1})
    assert answer["reset"] is False
    frames = later.read_to(project, head + 2001)
    assert [frame["seq"] for frame in frames] == list(range(head + 2, head + 2002))
    assert received(late, project) == []
    page = server.api(users.bob).get(f"/api/projects/{project}/events/", params={"since": head}).json()
    assert page["reset"] is True


def test_no_user_joins_by_guessing_since(server: Server, users: Users, connect: Connect, project: int) -> None:
    eve = connect(server, users.eve)
    with pytest.raises(Refused) as refused:
        eve.ask("join_project", {"project_id": project, "since": 0})
    assert refused.value.code == "not_found"
    assert eve.logged(project) == []


# --- Crowds ---------------------------------------------------------------------------------------------


@both_installations
def test_joining_while_events_pour_in(server: Server, users: Users, connect: Connect, project: int) -> None:
    sockets: list[tuple[Socket, int]] = []
    watcher = connect(server, users.ann)
    start = watcher.ask("join_project", {"project_id": project})["seq"]
    with Meanwhile(server.stack, POUR, project=project):
        watcher.read_to(project, start + 3)
        for number in range(12):
            socket = connect(server, (users.bob, users.cas, users.vic)[number % 3])
            since = watcher.seqs(f"project.{project}")[-1] - number % 4
            answer = socket.ask("join_project", {"project_id": project, "since": since})
            assert answer["reset"] is False
            sockets.append((socket, since))
            watcher.read_to(project, watcher.seqs(f"project.{project}")[-1] + 2)
    head = watcher.ask("task_create", {"project_id": project, "title": "fence"})["task"]["id"]
    end = watcher.expect("task_created", task={"id": head})["seq"]
    for socket, since in sockets:
        frames = socket.read_to(project, end)
        assert [frame["seq"] for frame in frames] == list(range(since + 1, end + 1))
        assert frames == [frame for frame in watcher.logged(project) if frame["seq"] > since]


def write_from(socket: Socket, project: int, name: str, count: int, failures: list[BaseException]) -> None:
    try:
        for number in range(count):
            socket.ask("task_create", {"project_id": project, "title": f"{name} {number}"}, timeout=30)
    except BaseException as failure:
        failures.append(failure)


def write_from_many(stack: Stack, servers: list[Server], users: list[User], connect: Connect, project: int) -> None:
    """Writers on every server and in a shell; each listener receives one order that keeps every writer's own."""
    listeners = [connect(server, users[0]) for server in servers for _ in range(2)]
    start = [listener.ask("join_project", {"project_id": project})["seq"] for listener in listeners][0]
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=write_from, args=(connect(server, user), project, f"{user.id}@{place}", 12, failures))
        for place, server in enumerate(servers)
        for user in users
    ]
    for thread in threads:
        thread.start()
    create_many(stack, project, 12, "shell ")
    for thread in threads:
        thread.join()
    assert failures == []
    end = start + 12 * (len(threads) + 1)
    received_by = [listener.read_to(project, end) for listener in listeners]
    for frames in received_by:
        assert frames == received_by[0]
    assert [frame["seq"] for frame in received_by[0]] == list(range(start + 1, end + 1))
    titles = [frame["data"]["task"]["title"] for frame in received_by[0]]
    assert len(set(titles)) == len(titles)
    for writer in {title.rpartition(" ")[0] for title in titles}:
        own = [title for title in titles if title.rpartition(" ")[0] == writer]
        assert own == [f"{writer} {number}" for number in range(12)]
    assert [frame for frame in truth(servers[0], users[0], project) if frame["seq"] > start] == received_by[0]
    positions = [frame["data"]["task"]["position"] for frame in received_by[0]]
    assert len(set(positions)) == len(positions)


@both_installations
def test_many_writers_one_order(server: Server, users: Users, connect: Connect, project: int) -> None:
    write_from_many(server.stack, [server], [users.ann, users.bob, users.cas], connect, project)


@pytest.mark.installations("deployed")
def test_a_long_transaction_delays_no_other_user(server: Server, users: Users, connect: Connect) -> None:
    project = make_project(server.stack, users)
    bob = connect(server, users.bob)
    task = bob.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
    joined = bob.ask("join_project", {"project_id": project})
    with Meanwhile(server.stack, LOCK, task=task):
        other = bob.ask("task_create", {"project_id": project, "title": "quick"})["task"]["id"]
        bob.ask("new_comment", {"task_id": other, "content": "c"})
        assert bob.expect("comment_added")["seq"] == joined["seq"] + 2
        board = server.api(users.ann).get(f"/api/projects/{project}/board/").json()
        assert (board["seq"], sorted(row["title"] for row in board["tasks"])) == (joined["seq"] + 2, ["A", "quick"])
        assert connect(server, users.cas).ask("join_project", {"project_id": project})["seq"] == board["seq"]
    assert bob.expect("task_updated")["seq"] == joined["seq"] + 3
    assert bob.seqs(f"project.{project}") == [joined["seq"] + n for n in (1, 2, 3)]


# --- Snapshots --------------------------------------------------------------------------------------------


CHAOS = """
import random
from django.db import transaction
chance = random.Random(seed)
for n in range(rounds):
    tasks = list(Task.objects.filter(project_id=p).order_by("id"))
    act = chance.choice(["create", "create", "update", "status", "delete", "comment", "uncomment", "rename", "assign",
                         "member", "unmember", "restore", "rollback"])
    task = chance.choice(tasks) if tasks else None
    if act == "create" or task is None:
        Task.objects.create(project_id=p, title=f"{seed} {n}", created_by_id=chance.choice(people))
    elif act == "update":
        Task.objects.filter(id=task.id).update(title=f"{seed} {n}", priority=chance.choice(["low", "high"]))
    elif act == "status":
        task.status = chance.choice(["todo", "review", "completed"])
        task.save()
    elif act == "delete":
        task.delete()
    elif act == "comment":
        Comment.objects.bulk_create([Comment(task=task, author_id=people[0], content="c") for _ in range(2)])
    elif act == "uncomment":
        Comment.objects.filter(task=task).delete()
    elif act == "rename":
        Project.objects.filter(id=p).update(name=f"{seed} {n}")
    elif act == "assign":
        Task.objects.filter(project_id=p).update(assignee_id=chance.choice([None, people[0]]))
    elif act == "member":
        if not Membership.objects.filter(project_id=p, user_id=guest).exists():
            Membership.objects.create(project_id=p, user_id=guest, role="viewer")
    elif act == "unmember":
        Membership.objects.filter(project_id=p, user_id=guest).delete()
    elif act == "restore":
        gone = Task.all_objects.filter(project_id=p, deleted_at__isnull=False).first()
        if gone: gone.restore()
    elif act == "rollback":
        try:
            with transaction.atomic():
                Task.objects.create(project_id=p, title="never")
                raise KeyError
        except KeyError: pass
"""


def test_a_snapshot_and_the_events_after_it_make_the_next_snapshot(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    watcher = connect(server, users.ann)
    start = watcher.ask("join_project", {"project_id": project})["seq"]
    workers = [Worker(f"{server.stack.name}-chaos-{number}", server.stack.env) for number in range(2)]
    guests = [server.stack.user().id for _ in workers]
    failures: list[BaseException] = []

    def rage(worker: Worker, seed: int) -> None:
        values = {
            "p": project,
            "seed": seed,
            "rounds": 30,
            "people": [users.ann.id, users.bob.id],
            "guest": guests[seed],
        }
        try:
            worker.run(CHAOS, values)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=rage, args=(worker, seed)) for seed, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    api = server.api(users.ann)
    boards = []
    while any(thread.is_alive() for thread in threads):
        boards.append(api.get(f"/api/projects/{project}/board/").json())
    for worker in workers:
        worker.close()
    assert failures == []
    last = api.get(f"/api/projects/{project}/board/").json()
    frames = watcher.read_to(project, last["seq"])
    assert [frame["seq"] for frame in frames] == list(range(start + 1, last["seq"] + 1))
    assert len(boards) > 3
    for board in boards:
        assert carried_on(board, frames) == picture(last), f"from seq {board['seq']}"
    assert [frame["seq"] for frame in truth(server, users.ann, project)] == list(range(1, last["seq"] + 1))


# --- Several processes ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Stack]:
    """Two processes on an installation of their own, since its Redis and its processes do not always answer."""
    stack = Stack("deployed", settings=LIGHT)
    for _ in range(2):
        stack.server(SWEEP_INTERVAL="0.3")
    yield stack
    stack.close()


@pytest.fixture
def two(disturbed: Stack, request: pytest.FixtureRequest) -> list[Server]:
    request.node.stash[_STACK] = disturbed
    return disturbed.servers


@pytest.fixture
def people(disturbed: Stack) -> list[User]:
    return [disturbed.user(), disturbed.user()]


def own_project(stack: Stack, people: list[User]) -> int:
    code = (
        "project = Project.objects.create(name='Board')\n"
        "for user_id in people: Membership.objects.create(project=project, user_id=user_id, role='owner')\n"
        "result = project.id"
    )
    return int(stack.run(code, people=[user.id for user in people]))


@pytest.fixture
def shared_project(disturbed: Stack, people: list[User]) -> int:
    return own_project(disturbed, people)


def test_many_writers_at_many_processes_one_order(
    disturbed: Stack, two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    write_from_many(disturbed, two, people, connect, shared_project)


def test_one_resumes_at_another_process(
    disturbed: Stack, two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    here = connect(two[0], people[0])
    joined = here.ask("join_project", {"project_id": shared_project})
    create_many(disturbed, shared_project, 4)
    seen = here.read_to(shared_project, joined["seq"] + 2)[:2]
    here.close()
    create_many(disturbed, shared_project, 3)
    there = connect(two[1], people[0])
    data = {"project_id": shared_project, "since": seen[-1]["seq"], "epoch": joined["epoch"]}
    answer = there.ask("join_project", data)
    assert (answer["reset"], answer["epoch"]) == (False, joined["epoch"])
    assert [frame["seq"] for frame in received(there, shared_project)] == list(
        range(joined["seq"] + 3, joined["seq"] + 8)
    )


def test_a_removal_reaches_every_process(
    disturbed: Stack, two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    owner, removed = people
    tabs = [connect(one, removed) for one in two]
    for tab in tabs:
        tab.ask("join_project", {"project_id": shared_project})
    assert two[1].api(owner).delete(f"/api/projects/{shared_project}/members/{removed.id}/").status_code == 204
    create_many(disturbed, shared_project, 1, "secret")
    for tab in tabs:
        tab.expect("removed_from_project", project_id=shared_project)
        assert "secret" not in str(tab.settle())


def test_without_redis_events_come_by_the_sweep(
    disturbed: Stack, two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    assert disturbed.redis
    sockets = [connect(server, user) for server, user in zip(two, people, strict=True)]
    start = [socket.ask("join_project", {"project_id": shared_project})["seq"] for socket in sockets][0]
    expected = start

    def write(count: int) -> None:
        """By socket and by shell; all must come."""
        nonlocal expected
        for number in range(count):
            sockets[number % 2].ask("task_create", {"project_id": shared_project, "title": f"{number}"})
        create_many(disturbed, shared_project, count, "shell")
        expected += 2 * count
        for socket in sockets:
            frames = socket.read_to(shared_project, expected)
            assert [frame["seq"] for frame in frames] == list(range(start + 1, expected + 1))

    write(3)
    disturbed.redis.kill()
    write(3)
    write(3)
    late = connect(two[1], people[0])  # one can still come in
    assert late.ask("join_project", {"project_id": shared_project, "since": start})["seq"] == expected
    late.read_to(shared_project, expected)
    for server in two:
        assert server.api().get("/readyz").status_code == 200
    disturbed.redis.start()
    write(3)
    disturbed.redis.restart()
    write(3)
    assert late.read_to(shared_project, expected) == sockets[0].logged(shared_project)
    assert sockets[0].logged(shared_project) == sockets[1].logged(shared_project)


def test_a_frozen_redis_stops_no_delivery(
    disturbed: Stack, two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    assert disturbed.redis
    sockets = [connect(server, user) for server, user in zip(two, people, strict=True)]
    start = [socket.ask("join_project", {"project_id": shared_project})["seq"] for socket in sockets][0]
    disturbed.redis.pause()
    try:
        for number in range(4):
            sockets[number % 2].ask("task_create", {"project_id": shared_project, "title": f"{number}"})
        for socket in sockets:
            socket.read_to(shared_project, start + 4)
    finally:
        disturbed.redis.resume()
    create_many(disturbed, shared_project, 3)
    for socket in sockets:
        frames = socket.read_to(shared_project, start + 7)
        assert [frame["seq"] for frame in frames] == list(range(start + 1, start + 8))


def test_a_frozen_process_catches_up(
    two: list[Server], people: list[User], connect: Connect, shared_project: int
) -> None:
    frozen, awake = (connect(server, user) for server, user in zip(two, people, strict=True))
    start = frozen.ask("join_project", {"project_id": shared_project})["seq"]
    awake.ask("join_project", {"project_id": shared_project})
    two[0].pause()
    try:
        for number in range(10):
            awake.ask("task_create", {"project_id": shared_project, "title": f"{number}"})
        awake.read_to(shared_project, start + 10)
    finally:
        two[0].resume()
    assert frozen.read_to(shared_project, start + 10) == awake.logged(shared_project)
    assert names(received(frozen, shared_project)) == []


# --- Crashes -----------------------------------------------------------------------------------------------


@both_installations
def test_a_killed_server_forgets_nothing(
    start_server: StartServer, shared_stack: Stack, users: Users, connect: Connect
) -> None:
    server = start_server(SWEEP_INTERVAL="0.2")
    project = make_project(shared_stack, users)
    ann = connect(server, users.ann)
    joined = ann.ask("join_project", {"project_id": project})
    create_many(shared_stack, project, 5, "before")
    seen = ann.read_to(project, joined["seq"] + 3)[-1]["seq"]
    server.kill()
    create_many(shared_stack, project, 5, "meanwhile")  # by a shell, while no client is connected
    server.start()
    again = connect(server, users.ann)
    answer = again.ask("join_project", {"project_id": project, "since": seen, "epoch": joined["epoch"]})
    assert answer["reset"] is False
    assert answer["epoch"] == joined["epoch"]
    assert [frame["seq"] for frame in received(again, project)] == list(range(seen + 1, joined["seq"] + 11))
    task = again.ask("task_create", {"project_id": project, "title": "after"})["task"]["id"]
    assert again.expect("task_created", task={"id": task})["seq"] == joined["seq"] + 12


def persistent_writer(
    servers: list[Server], user: User, project: int, count: int, name: str, failures: list[BaseException]
) -> None:
    """Writes with keys, and sends again, elsewhere or later, whatever has no answer."""
    token = servers[0].token(user)
    chance = random.Random(name)
    socket: Socket | None = None
    try:
        for number in range(count):
            deadline = time.monotonic() + 60
            while True:
                assert time.monotonic() < deadline, f"{name} {number} found no server"
                try:
                    if socket is None:
                        socket = chance.choice(servers).connect(token=token)
                        socket.next()
                    data = {"project_id": project, "title": f"{name} {number}"}
                    socket.ask("task_create", data, key=f"{name} {number}", timeout=5)
                    break
                except Refused:
                    raise
                except Exception:
                    if socket is not None:
                        socket.drop()
                    socket = None
                    time.sleep(0.02)
    except BaseException as failure:
        failures.append(failure)
    finally:
        if socket is not None:
            socket.close()


@pytest.mark.long
@pytest.mark.installations("deployed")
def test_servers_killed_between_writes(stack: Stack, connect: Connect) -> None:
    people = [stack.user(), stack.user()]
    servers = [stack.server(SWEEP_INTERVAL="0.3") for _ in range(3)]
    project = own_project(stack, people)
    listener = connect(servers[0], people[0])
    start = listener.ask("join_project", {"project_id": project})["seq"]
    for user in people:
        servers[0].token(user)
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=persistent_writer, args=(servers, people[n % 2], project, 30, f"w{n}", failures))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for victim in (servers[1], servers[2]):
        listener.read_to(project, (listener.seqs(f"project.{project}") or [start])[-1] + 10)
        victim.kill()
        victim.start()
    for thread in threads:
        thread.join()
    assert failures == []
    frames = listener.read_to(project, start + 120)
    assert [frame["seq"] for frame in frames] == list(range(start + 1, start + 121))
    titles = [frame["data"]["task"]["title"] for frame in frames]
    assert sorted(titles) == sorted(f"w{n} {number}" for n in range(4) for number in range(30))
    for n in range(4):
        assert [title for title in titles if title.startswith(f"w{n} ")] == [f"w{n} {number}" for number in range(30)]
    for server in servers:
        late = connect(server, people[1])
        late.ask("join_project", {"project_id": project, "since": start})
        assert late.read_to(project, start + 120) == frames


@pytest.mark.installations("deployed")
def test_a_stopped_server_lets_its_sockets_go(start_server: StartServer, users: Users, connect: Connect) -> None:
    server = start_server()
    socket = connect(server, users.ann)
    server.stop()
    with pytest.raises(Closed):
        socket.next()
