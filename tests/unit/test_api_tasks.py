"""Tasks and comments over HTTP: what is answered, and what happened."""

from typing import Any

import pytest

from taskrealtime.models import Comment, Membership, Project, Task
from tests.support.world import World

pytestmark = pytest.mark.django_db


def test_a_new_task_is_answered_whole(world: World) -> None:
    body = {
        "project_id": world.project.pk,
        "title": "Write **docs**",
        "description": "In *Markdown* <script>alert(1)</script>",
        "status": "review",
        "priority": "high",
        "assignee_id": world.people["owner"].pk,
        "due_at": "2031-02-03T04:05:06+02:00",
    }
    answer = world.api("member").post("/api/tasks/", body)
    assert answer.status_code == 201
    task = answer.json()
    assert {name: task[name] for name in body} == body | {"due_at": "2031-02-03T02:05:06Z"}
    assert task["created_by_id"] == world.people["member"].pk
    assert (task["version"], task["comment_count"]) == (1, 0)
    assert "<em>Markdown</em>" in task["description_html"]
    assert "<script>" not in task["description_html"]
    assert "duplicate" not in task
    assert world.api("viewer").get(f"/api/tasks/{task['id']}/").json() == task


def test_only_the_given_fields_change(world: World) -> None:
    before = world.api("member").get(world.path("tasks/<id:task_id>/")).json()
    after = world.api("member").patch(world.path("tasks/<id:task_id>/"), {"priority": "urgent", "due_at": None}).json()
    assert after == before | {"priority": "urgent", "version": 2, "updated_at": after["updated_at"]}


def test_put_changes_as_patch_does(world: World) -> None:
    answer = world.api("member")("PUT", world.path("tasks/<id:task_id>/"), {"title": "Other"})
    assert (answer.status_code, answer.json()["title"]) == (200, "Other")


def test_a_stale_version_is_a_conflict_only_for_what_was_changed(world: World) -> None:
    api, path = world.api("member"), world.path("tasks/<id:task_id>/")
    assert api.patch(path, {"title": "Theirs", "version": 1}).status_code == 200
    assert api.patch(path, {"priority": "low", "version": 1}).status_code == 200
    refused = api.patch(path, {"title": "Mine", "priority": "high", "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    details = refused.json()["details"]
    assert sorted(details["fields"]) == ["priority", "title"]
    assert (details["task"]["title"], details["task"]["version"]) == ("Theirs", 3)
    assert api.post(world.path("tasks/<id:task_id>/status/"), {"status": "review", "version": 1}).status_code == 200
    stale = api.post(world.path("tasks/<id:task_id>/status/"), {"status": "todo", "version": 1})
    assert stale.json()["details"]["fields"] == ["status"]


def test_a_stranger_cannot_be_assigned(world: World) -> None:
    stranger = world.people["outsider"].pk
    for method, path in (("POST", "/api/tasks/"), ("PATCH", world.path("tasks/<id:task_id>/"))):
        body = {"project_id": world.project.pk, "title": "x", "assignee_id": stranger}
        answer = world.api("member")(method, path, body)
        assert answer.status_code == 400
        assert answer.json() == {
            "code": "invalid_data",
            "message": "assignee_id: This person is not a member of the project.",
            "details": [{"field": "assignee_id", "message": "This person is not a member of the project."}],
        }


def test_a_task_is_moved_beside_another(world: World) -> None:
    api = world.api("member")
    first, second = world.new_task("A", status="review"), world.new_task("B", status="review")
    where = {"status": "review", "before_id": second.pk, "tell_previous": True}
    moved = api.post(world.path("tasks/<id:task_id>/move/"), where).json()
    assert first.position < moved["position"] < second.position
    assert (moved["status"], moved["version"]) == ("review", 2)
    assert moved["previous"] == {"status": "todo", "position": world.task.position}
    again = api.post(world.path("tasks/<id:task_id>/move/"), {"status": "review", "before_id": second.pk}).json()
    assert "previous" not in again
    both = api.post(world.path("tasks/<id:task_id>/move/"), {"before_id": first.pk, "after_id": second.pk})
    assert both.json()["details"] == [{"field": "after_id", "message": "Set before_id or after_id, not both."}]


def test_a_deleted_task_is_gone_until_it_is_restored(world: World) -> None:
    api, path = world.api("member"), world.path("tasks/<id:task_id>/")
    assert api.delete(path).status_code == 204
    for gone in (api.get(path), api.delete(path), api.patch(path, {"title": "x"}), api.get(f"{path}comments/")):
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert api.get(world.path("comments/<id:comment_id>/")).status_code == 405
    assert api.patch(world.path("comments/<id:comment_id>/"), {"content": "x"}).status_code == 404
    assert api.get("/api/tasks/").json()["count"] == 0
    restored = api.post(f"{path}restore/")
    assert (restored.status_code, restored.json()["title"]) == (200, "First")
    assert api.get(path).json()["comment_count"] == 1


def test_tasks_are_filtered(world: World) -> None:
    owner = world.people["owner"]
    world.new_task("100% done", status="completed", assignee=owner)
    world.new_task("Other", description="It is DONE by now", status="review")
    api = world.api("viewer")

    def titles(query: str) -> list[str]:
        return [task["title"] for task in api.get(f"/api/tasks/?{query}").json()["results"]]

    assert titles("") == ["First", "100% done", "Other"]
    assert titles("status=completed") == ["100% done"]
    assert titles(f"assignee={owner.pk}") == ["100% done"]
    assert titles("q=done") == ["100% done", "Other"]
    assert titles("q=0%25") == ["100% done"], "a percent sign is one, not a wildcard"
    assert titles("q=_") == []
    assert titles(f"project={world.project.pk}&q=other&status=") == ["Other"]
    assert titles(f"project={world.project.pk + 1}") == []


def test_tasks_are_filtered_by_a_label_of_their_project(world: World) -> None:
    bug, docs = world.new_label("Bug"), world.new_label("Docs")
    world.new_task("Both", labels=[bug, docs], status="completed")
    world.new_task("Docs", labels=[docs])
    elsewhere = Project.objects.create(name="Gemini", labels=[{"id": bug, "name": "Else", "color": "blue"}])
    Task.objects.create(project=elsewhere, title="Elsewhere", labels=[bug])
    api, project = world.api("viewer"), world.project.pk

    def titles(query: str) -> list[str]:
        return [task["title"] for task in api.get(f"/api/tasks/?{query}").json()["results"]]

    assert titles(f"project={project}&label={docs}") == ["Both", "Docs"]
    assert titles(f"project={project}&label={docs}&status=todo") == ["Docs"]
    assert titles(f"project={project}&label={bug}") == ["Both"]
    assert titles(f"project={project}&label=") == ["First", "Both", "Docs"]
    assert titles(f"project={elsewhere.pk}&label={bug}") == []  # whose tasks a viewer of this one may not see
    assert titles(f"project={project}&label={docs}{docs}") == []
    world.api("owner").post(f"/api/projects/{project}/archive/")
    assert titles(f"project={project}&label={docs}&archived=1") == ["Both"]
    world.api("owner").delete(f"/api/projects/{project}/labels/{docs}/")
    assert titles(f"project={project}&label={docs}") == [], "tasks keep its id, and show it to nobody"
    alone = api.get(f"/api/tasks/?label={bug}")
    assert (alone.status_code, [detail["field"] for detail in alone.json()["details"]]) == (400, ["label"])


def test_no_user_sees_tasks_of_projects_that_they_are_not_in(world: World) -> None:
    other = World()
    assert [task["id"] for task in world.api("member").get("/api/tasks/").json()["results"]] == [world.task.pk]
    answer = world.api("member").get(f"/api/tasks/?project={other.project.pk}").json()
    assert answer == {"count": 0, "next": None, "previous": None, "results": []}


# --- Comments -------------------------------------------------------------------------------


def test_a_new_comment_is_answered_whole(world: World) -> None:
    answer = world.api("owner").post(world.path("tasks/<id:task_id>/comments/"), {"content": "**Yes** <b>no</b>"})
    assert answer.status_code == 201
    comment = answer.json()
    assert comment["author"] == {
        "id": world.people["owner"].pk,
        "username": world.name("owner"),
        "name": world.name("owner"),
    }
    assert comment["content"] == "**Yes** <b>no</b>"
    assert "<strong>Yes</strong>" in comment["content_html"]
    assert "<b>" not in comment["content_html"]
    listed = world.api("viewer").get(world.path("tasks/<id:task_id>/comments/")).json()
    assert [item["content"] for item in listed["results"]] == ["Hello", "**Yes** <b>no</b>"]
    assert listed["results"][1] == comment


def test_a_comment_is_edited_by_its_author_and_deleted_by_an_owner(world: World) -> None:
    path = world.path("comments/<id:comment_id>/")
    edited = world.api("member").patch(path, {"content": "Better"})
    assert (edited.status_code, edited.json()["content"]) == (200, "Better")
    assert world.api("owner").patch(path, {"content": "Mine"}).json()["code"] == "forbidden"
    assert world.api("owner").delete(path).status_code == 204
    assert not Comment.objects.exists()


def test_an_edit_of_what_a_comment_says_no_more_is_a_conflict(world: World) -> None:
    path, api = world.path("comments/<id:comment_id>/"), world.api("member")
    first = world.comment.content
    assert api.patch(path, {"content": "Second", "previous_content": first}).status_code == 200
    refused = api.patch(path, {"content": "Third", "previous_content": first})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["details"]["comment"]["content"] == "Second"
    # Who wanted the same, and who does not say what they saw, are not in the way.
    assert api.patch(path, {"content": "Second", "previous_content": first}).status_code == 200
    assert api.patch(path, {"content": "Fourth"}).json()["content"] == "Fourth"


def test_a_comment_whose_author_left_can_still_be_read(world: World) -> None:
    Membership.objects.get(user=world.people["member"]).delete()
    world.people["member"].delete()
    listed = world.api("viewer").get(world.path("tasks/<id:task_id>/comments/")).json()["results"]
    assert [(item["author"], item["content"]) for item in listed] == [(None, "Hello")]


# --- The same key again ---------------------------------------------------------------------


def changes(world: World) -> list[tuple[str, str, Any, int]]:
    """Every change that takes a key, as method, path, body, status; each can be made by the owner, in this order."""
    task, comment, project = (world.path(f"{name}s/<id:{name}_id>/") for name in ("task", "comment", "project"))
    newcomer = world.path("projects/<id:project_id>/members/") + f"{world.people['outsider'].pk}/"
    return [
        ("POST", "/api/projects/", {"name": "New"}, 201),
        ("PATCH", project, {"name": "Other"}, 200),
        ("POST", f"{project}members/", {"username": world.name("outsider")}, 201),
        ("PATCH", newcomer, {"role": "viewer"}, 200),
        ("DELETE", newcomer, None, 204),
        ("POST", "/api/tasks/", {"project_id": world.project.pk, "title": "New"}, 201),
        ("PATCH", task, {"title": "Other"}, 200),
        ("POST", f"{task}status/", {"status": "review"}, 200),
        ("POST", f"{task}move/", {"status": "completed"}, 200),
        ("POST", f"{task}comments/", {"content": "New"}, 201),
        ("POST", "/api/notifications/read/", {"up_to": 0}, 200),
        ("POST", world.path("notifications/<id:seq>/snooze/"), {"minutes": 30}, 200),
        ("PATCH", "/api/me/", {"name": "Ada Lovelace", "muted_projects": [world.project.pk]}, 200),
        ("DELETE", comment, None, 204),
        ("DELETE", task, None, 204),
        ("POST", f"{task}restore/", None, 200),
        ("DELETE", project, None, 204),
    ]


def test_the_same_key_again_has_no_second_effect(world: World) -> None:
    api = world.api("owner")
    for number, (method, path, body, status) in enumerate(changes(world)):
        first = api(method, path, body, key=f"key {number}")
        assert first.status_code == status, (method, path, first.content)
        before = list(Task.all_objects.order_by("pk").values()), list(Comment.objects.values())
        again = api(method, path, body, key=f"key {number}")
        assert again.status_code == status, (method, path)
        assert (list(Task.all_objects.order_by("pk").values()), list(Comment.objects.values())) == before
        if status == 204:
            assert again.content == first.content == b""
        else:
            assert again.json() == first.json() | {"duplicate": True}
            assert "duplicate" not in first.json()


def test_a_key_for_something_else_is_a_conflict(world: World) -> None:
    api = world.api("member")
    assert api.post("/api/tasks/", {"project_id": world.project.pk, "title": "A"}, key="k").status_code == 201
    other = api.post("/api/tasks/", {"project_id": world.project.pk, "title": "B"}, key="k")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert api.delete(world.path("tasks/<id:task_id>/"), key="k").status_code == 409
    # Keys of other users are separate.
    assert world.api("owner").delete(world.path("tasks/<id:task_id>/"), key="k").status_code == 204


def test_a_failure_is_not_remembered(world: World) -> None:
    path = world.path("tasks/<id:task_id>/")
    assert world.api("viewer").patch(path, {"title": "x"}, key="k").status_code == 403
    Membership.objects.filter(user=world.people["viewer"]).update(role="member")
    assert world.api("viewer").patch(path, {"title": "x"}, key="k").status_code == 200


@pytest.mark.parametrize("key,status", [("", 400), ("x" * 65, 400), ("x" * 64, 200), ("\xff", 400), ("a\0b", 400)])
def test_keys_have_1_to_64_characters(world: World, key: str, status: int) -> None:
    answer = world.api("member").patch(world.path("tasks/<id:task_id>/"), {"title": "x"}, key=key)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["details"][0]["field"] == "Idempotency-Key"


def test_a_repeated_change_of_what_is_gone_meanwhile_gets_the_first_answer(world: World) -> None:
    api, path = world.api("member"), world.path("tasks/<id:task_id>/")
    assert api.patch(path, {"title": "x"}, key="k").status_code == 200
    assert api.delete(path).status_code == 204
    again = api.patch(path, {"title": "x"}, key="k")
    assert again.status_code == 200
    assert again.json() == {
        "duplicate": True,
        "task_id": world.task.pk,
        "project_id": world.project.pk,
        "version": 2,
    }
