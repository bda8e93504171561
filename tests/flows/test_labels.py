"""Labels over real servers: created over HTTP, put on a task over a socket, received by another one at once."""

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.flows.objects import check_event
from tests.support.fences import received
from tests.support.stacks import Server


def test_a_label_is_made_put_on_a_task_and_taken_away(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    owner, bob, cas = server.api(users.ann), connect(server, users.bob), connect(server, users.cas)
    cas.ask("join_project", {"project_id": project})
    made = owner.post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"})
    assert made.status_code == 201, made.text
    label = made.json()
    task = bob.ask("task_create", {"project_id": project, "title": "A", "labels": [label["id"]]})["task"]
    assert task["labels"] == [label["id"]]
    bob.ask("task_update", {"task_id": task["id"], "changes": {"labels": []}, "version": 1})
    assert owner.delete(f"/api/projects/{project}/labels/{label['id']}/").status_code == 204
    frames = received(cas, project)
    for frame in frames:
        check_event(frame)
    published = [(frame["event"], frame["data"].get("changes"), frame["data"].get("previous")) for frame in frames]
    assert published == [
        ("project_updated", {"labels": [label]}, {"labels": []}),
        ("task_created", None, None),
        ("task_updated", {"labels": []}, {"labels": [label["id"]]}),
        ("project_updated", {"labels": []}, {"labels": [label]}),
    ]


def test_two_users_who_label_a_task_at_once_both_do(
    server: Server, users: Users, connect: Connect, project: int
) -> None:
    owner, people = server.api(users.ann), [connect(server, user) for user in (users.bob, users.cas)]
    ids = [
        owner.post(f"/api/projects/{project}/labels/", json={"name": f"Label {number}", "color": "red"}).json()["id"]
        for number in range(10)
    ]
    task = people[0].ask("task_create", {"project_id": project, "title": "A", "labels": [ids[0]]})["task"]["id"]
    for number, label in enumerate(ids[1:], start=1):
        changes = {"add_labels": [label]}
        people[number % 2].send_event("task_update", {"task_id": task, "changes": changes, "version": 1}, id=number)
    changes = {"remove_labels": [ids[0]]}
    people[0].send_event("task_update", {"task_id": task, "changes": changes, "version": 1}, id=10)
    for person in people:
        person.ask("ping", {})
    assert owner.get(f"/api/tasks/{task}/").json()["labels"] == ids[1:]
