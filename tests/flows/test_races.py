"""Several users at one moment: one wins, the others get an error, and the log and the board agree."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests import services
from tests.conftest import Connect
from tests.flows.boards import carried_on, picture
from tests.flows.conftest import Users, both_installations, make_project
from tests.support.fences import names, received
from tests.support.sockets import Frame, Socket
from tests.support.stacks import Server, Stack


@pytest.fixture(scope="module")
def pair(shared_stack: Stack, running_server: Server) -> Iterator[list[Server]]:
    """Two processes on one database; on the embedded installation one, twice."""
    if shared_stack.kind == "embedded":
        yield [running_server, running_server]
        return
    second = shared_stack.server()
    yield [running_server, second]
    second.stop()


def at_once(*requests: tuple[Socket, str, dict[str, Any]]) -> list[Frame]:
    """The answers to what several connections ask at one moment, in the order of the requests."""
    for socket, event, data in requests:
        socket.send_event(event, data, id="at once")
    answers = []
    for socket, _, _ in requests:
        frame = socket.next()
        while frame.get("id") != "at once":
            frame = socket.next()
        answers.append(frame)
    return answers


def together(*acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The same for HTTP."""
    answers: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        answers[place] = acts[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def codes(answers: list[Frame]) -> list[str]:
    return sorted(answer["data"]["code"] if answer["event"] == "error" else "ack" for answer in answers)


class Race:
    """A project, two writers at two processes, a listener, and the board as it was."""

    def __init__(self, pair: list[Server], users: Users, connect: Connect, project: int) -> None:
        self.project, self.users = project, users
        self.bob, self.cas = connect(pair[0], users.bob), connect(pair[1], users.cas)
        self.listener = connect(pair[1], users.ann, max_queue=None)  # it reads at the end
        self.listener.ask("join_project", {"project_id": project})
        self.apis = [server.api(users.ann) for server in pair]
        self.board = self.snapshot()

    def snapshot(self) -> Any:
        return self.apis[0].get(f"/api/projects/{self.project}/board/").json()

    def create(self, title: str = "A", **fields: Any) -> int:
        data = {"project_id": self.project, "title": title, **fields}
        return int(self.bob.ask("task_create", data)["task"]["id"])

    def received(self) -> list[Frame]:
        return received(self.listener, self.project)

    def check(self) -> None:
        """The listener's board, kept by events alone, is the server's."""
        received(self.listener, self.project)
        frames = [
            frame
            for frame in self.listener.history
            if frame.get("room") == f"project.{self.project}" and "seq" in frame
        ]
        now = self.snapshot()
        assert carried_on(self.board, frames) == picture(now)


@pytest.fixture
def race(pair: list[Server], server: Server, users: Users, connect: Connect, project: int) -> Race:
    return Race(pair, users, connect, project)


@both_installations
def test_a_task_is_deleted_and_restored_once(race: Race) -> None:
    for _ in range(8):
        task = race.create()
        race.received()
        answers = at_once(*((socket, "task_delete", {"task_id": task}) for socket in (race.bob, race.cas)))
        assert codes(answers) == ["ack", "not_found"]
        assert names(race.received()) == ["task_deleted"]
        at_once(*((socket, "task_restore", {"task_id": task}) for socket in (race.bob, race.cas)))
        assert names(race.received()) == ["task_restored"]
    race.check()


def test_changes_and_comments_race_with_a_deletion(race: Race) -> None:
    for number in range(8):
        task = race.create()
        race.received()
        event, data = (
            ("task_update", {"task_id": task, "changes": {"title": "B"}}),
            ("new_comment", {"task_id": task, "content": "c"}),
            ("task_move", {"task_id": task, "status": "review"}),
        )[number % 3]
        answers = at_once((race.cas, event, data), (race.bob, "task_delete", {"task_id": task}))
        assert codes(answers) in (["ack", "ack"], ["ack", "not_found"])
        assert names(race.received())[-1] == "task_deleted"
    race.check()


def test_every_comment_of_a_crowd_counts(race: Race) -> None:
    task = race.create()
    for _ in range(10):
        requests = [(socket, "new_comment", {"task_id": task, "content": "c"}) for socket in (race.bob, race.cas)]
        assert codes(at_once(*requests)) == ["ack", "ack"]
    (row,) = [row for row in race.snapshot()["tasks"] if row["id"] == task]
    assert (row["comment_count"], row["version"]) == (20, 1)
    race.check()


def test_different_fields_at_once_both_win(race: Race) -> None:
    task = race.create()
    version = 1
    for number in range(10):
        data = {"task_id": task, "version": version}
        answers = at_once(
            (race.bob, "task_update", {**data, "changes": {"title": f"{number}"}}),
            (race.cas, "task_update", {**data, "changes": {"description": f"{number}"}}),
        )
        assert codes(answers) == ["ack", "ack"]
        version += 2
        assert sorted(answer["data"]["version"] for answer in answers) == [version - 1, version]
    race.check()


def test_no_user_is_assigned_without_a_membership(race: Race, server: Server) -> None:
    guest = server.stack.user()
    members = f"/api/projects/{race.project}/members/"
    for _ in range(8):
        race.apis[0].post(members, json={"username": guest.username, "role": "member"})
        task = race.create()
        removal = threading.Thread(target=lambda: race.apis[1].delete(f"{members}{guest.id}/"))
        removal.start()
        (answer,) = at_once((race.bob, "task_update", {"task_id": task, "changes": {"assignee_id": guest.id}}))
        removal.join()
        assert answer["event"] == "ack" or answer["data"]["code"] == "invalid_data"
        board = race.snapshot()
        assert guest.id not in [member["user"]["id"] for member in board["members"]]
        assert guest.id not in [row["assignee_id"] for row in board["tasks"]]
    race.check()


@both_installations
def test_a_user_who_was_removed_writes_nothing_more(
    race: Race, server: Server, pair: list[Server], connect: Connect
) -> None:
    guest = server.stack.user()
    members = f"/api/projects/{race.project}/members/"
    writer = connect(pair[1], guest)
    for number in range(5):
        race.apis[0].post(members, json={"username": guest.username, "role": "member"})
        for n in range(15):
            writer.send_event("task_create", {"project_id": race.project, "title": f"{number} {n}"}, id=n)
        while writer.next().get("id") != 3:
            pass
        assert race.apis[0].delete(f"{members}{guest.id}/").status_code == 204
        while writer.next().get("id") != 14:
            pass
        frames = race.received()
        removed = names(frames).index("project_member_removed")
        assert guest.id not in [frame["data"]["by"]["id"] for frame in frames[removed:] if frame["data"]["by"]]
        writer = connect(pair[number % 2], guest)
    race.check()


def test_a_membership_is_made_and_ended_once(race: Race, server: Server) -> None:
    guest = server.stack.user()
    members = f"/api/projects/{race.project}/members/"
    body = {"username": guest.username, "role": "member"}
    for _ in range(5):
        added = together(*(lambda api=api: api.post(members, json=body) for api in race.apis))
        assert sorted(answer.status_code for answer in added) in ([201, 400], [201, 409])
        removed = together(*(lambda api=api: api.delete(f"{members}{guest.id}/") for api in race.apis))
        assert sorted(answer.status_code for answer in removed) == [204, 404]
        assert names(race.received()) == ["project_member_added", "project_member_removed"]
    race.check()


@both_installations
def test_a_project_deleted_under_its_writers(
    pair: list[Server], server: Server, users: Users, connect: Connect
) -> None:
    database = server.stack.name
    deadlocks = services.shared_postgres().deadlocks(database)
    for _ in range(4):
        project = make_project(server.stack, users)
        writers = [connect(pair[0], users.bob, max_queue=None), connect(pair[1], users.cas, max_queue=None)]
        for writer in writers:
            writer.ask("join_project", {"project_id": project})
            for n in range(10):
                writer.send_event("task_create", {"project_id": project, "title": f"{n}"}, id=n)
        assert pair[1].api(users.ann).delete(f"/api/projects/{project}/").status_code == 204
        done = 0
        for writer in writers:
            answers: dict[int, Frame] = {}
            while len(answers) < 10:
                frame = writer.next()
                if "id" in frame:
                    answers[frame["id"]] = frame
            codes = [answers[n]["data"].get("code", "ack") for n in range(10)]
            assert codes == sorted(codes)  # done until it was gone, then not found
            assert set(codes) <= {"ack", "not_found"}
            done += codes.count("ack")
            removed = {"event": "removed_from_project", "data": {"project_id": project}}
            while removed not in writer.history:
                writer.next()
            writer.close()
    # One that locks in another order than the writers still ends, since it is tried again, but a second later.
    assert services.shared_postgres().deadlocks(database) == deadlocks
    count = "result = Task.all_objects.filter(project_id=project).count()"
    assert server.stack.run(count, project=project) == done, "all of it is kept"
    assert pair[0].api(users.ann).post(f"/api/projects/{project}/purge/").status_code == 204
    assert server.stack.run(count, project=project) == 0


def test_roles_change_during_writes(race: Race, server: Server) -> None:
    url = f"/api/projects/{race.project}/members/{race.users.cas.id}/"
    for _ in range(3):
        assert race.apis[0].patch(url, json={"role": "viewer"}).status_code == 200
        (answer,) = at_once((race.cas, "task_create", {"project_id": race.project, "title": "x"}))
        assert answer["data"]["code"] == "forbidden"
        assert race.apis[0].patch(url, json={"role": "member"}).status_code == 200
        (answer,) = at_once((race.cas, "task_create", {"project_id": race.project, "title": "x"}))
        assert answer["event"] == "ack"
    race.check()


@both_installations
def test_coming_and_going_with_the_last_number_loses_nothing(
    race: Race, pair: list[Server], server: Server, connect: Connect
) -> None:
    room = f"project.{race.project}"
    walker = connect(pair[1], race.users.vic, max_queue=None)
    last = walker.ask("join_project", {"project_id": race.project})["seq"]
    start = last

    def write() -> None:
        for number in range(60):
            race.bob.ask("task_create", {"project_id": race.project, "title": f"{number}"})

    writing = threading.Thread(target=write)
    writing.start()
    while writing.is_alive():
        walker.ask("leave_project", {"project_id": race.project})
        seqs = walker.seqs(room)
        last = seqs[-1] if seqs else last
        assert walker.ask("join_project", {"project_id": race.project, "since": last})["reset"] is False
    writing.join()
    while (walker.seqs(room) or [0])[-1] < start + 60:
        walker.next()
    assert walker.seqs(room) == list(range(start + 1, start + 61))


def test_leaving_in_the_midst_of_a_replay(race: Race, pair: list[Server], server: Server, connect: Connect) -> None:
    room = f"project.{race.project}"
    code = "Task.objects.bulk_create([Task(project_id=p, title=f'{n}', description='d' * 400) for n in range(1500)])"
    server.stack.run(code, p=race.project)
    walker = connect(pair[0], race.users.vic, max_queue=None)
    for _ in range(4):
        last = (walker.seqs(room) or [0])[-1]
        walker.send_event("join_project", {"project_id": race.project, "since": last}, id="join")
        walker.send_event("leave_project", {"project_id": race.project}, id="leave")
        while walker.next().get("id") != "leave":
            pass
        assert [frame for frame in walker.settle() if frame.get("room") == room] == []  # left is left
    last = (walker.seqs(room) or [0])[-1]
    head = walker.ask("join_project", {"project_id": race.project, "since": last})["seq"]
    while walker.seqs(room)[-1:] != [head]:
        walker.next()
    assert walker.seqs(room) == list(range(1, head + 1))
