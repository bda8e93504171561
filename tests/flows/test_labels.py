"""Labels over real servers: made over HTTP, put on a task over a socket, heard by another one at once."""

from tests.conftest import Connect
from tests.flows.conftest import Cast
from tests.flows.fences import heard
from tests.flows.objects import check_event
from tests.support.stacks import Server


def test_a_label_is_made_put_on_a_task_and_taken_away(
    server: Server, cast: Cast, connect: Connect, project: int
) -> None:
    owner, bob, cas = server.api(cast.ann), connect(server, cast.bob), connect(server, cast.cas)
    cas.ask("join_project", {"project_id": project})
    made = owner.post(f"/api/projects/{project}/labels/", json={"name": "Bug", "color": "red"})
    assert made.status_code == 201, made.text
    label = made.json()
    task = bob.ask("task_create", {"project_id": project, "title": "A", "labels": [label["id"]]})["task"]
    assert task["labels"] == [label["id"]]
    bob.ask("task_update", {"task_id": task["id"], "changes": {"labels": []}, "version": 1})
    assert owner.delete(f"/api/projects/{project}/labels/{label['id']}/").status_code == 204
    frames = heard(cas, project)
    for frame in frames:
        check_event(frame)
    told = [(frame["event"], frame["data"].get("changes"), frame["data"].get("previous")) for frame in frames]
    assert told == [
        ("project_updated", {"labels": [label]}, {"labels": []}),
        ("task_created", None, None),
        ("task_updated", {"labels": []}, {"labels": [label["id"]]}),
        ("project_updated", {"labels": []}, {"labels": [label]}),
    ]
