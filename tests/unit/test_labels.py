"""Labels: their creation, the labels of tasks, their events, and what remains when one is deleted."""

from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taskrealtime import actions
from taskrealtime.actions import projects
from taskrealtime.contract import commands
from taskrealtime.engine.wire.errors import Conflict
from taskrealtime.models import Project, Task
from taskrealtime.services import RealTimeService
from tests.support.project_log import ProjectLog
from tests.support.replay import read_board, read_frames, replay
from tests.support.world import World

pytestmark = pytest.mark.django_db


def labels(world: World) -> list[Any]:
    """What the project's own page says of them."""
    project: dict[str, Any] = world.api("viewer").get(world.path("projects/<id:project_id>/")).json()
    return list(project.get("labels", []))


def put(world: World, *ids: int, version: int | None = None) -> Any:
    """A member gives the task these labels."""
    body: dict[str, Any] = {"labels": list(ids)} | ({} if version is None else {"version": version})
    return world.api("member").patch(world.path("tasks/<id:task_id>/"), body)


def relabel(world: World, **body: Any) -> Any:
    """A member adds labels (`add_labels`) and removes some (`remove_labels`)."""
    return world.api("member").patch(world.path("tasks/<id:task_id>/"), body)


# --- The project's labels -------------------------------------------------------------------


def test_labels_are_made_changed_and_deleted(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/labels/")
    made = api.post(path, {"name": "  Bug ", "color": "red"})
    assert (made.status_code, made.json()) == (201, {"id": 1, "name": "Bug", "color": "red"})
    assert api.post(path, {"name": "Docs", "color": "teal"}).json()["id"] == 2
    assert api.patch(f"{path}1/", {"name": "Defect"}).json() == {"id": 1, "name": "Defect", "color": "red"}
    assert api.patch(f"{path}1/", {"color": "grey"}).json() == {"id": 1, "name": "Defect", "color": "grey"}
    assert [label["name"] for label in labels(world)] == ["Defect", "Docs"]
    assert api.delete(f"{path}2/").status_code == 204
    assert api.delete(f"{path}2/").status_code == 404
    assert api.patch(f"{path}2/", {"name": "x"}).status_code == 404
    assert [label["name"] for label in labels(world)] == ["Defect"]


@pytest.mark.django_db(transaction=True)
def test_a_board_without_labels_looks_as_it_did_before_there_were_any(world: World) -> None:
    board = world.api("member").get(world.path("projects/<id:project_id>/board/")).json()
    assert set(board["project"]) == {"id", "name", "created_at"}
    assert all("labels" not in task for task in board["tasks"])
    assert "labels" not in world.api("member").get(world.path("tasks/<id:task_id>/")).json()


def test_a_change_of_labels_is_published_with_what_was_before(world: World, project_log: ProjectLog) -> None:
    label = world.new_label("Bug")
    bug = {"id": label, "name": "Bug", "color": "red"}
    path = world.path("projects/<id:project_id>/labels/") + f"{label}/"
    world.api("owner").patch(path, {"name": "Defect"})
    world.api("owner").patch(path, {"name": "Defect"})  # no change, no event
    world.api("owner").delete(path)
    published = [(data["changes"], data["previous"]) for data in project_log.data()]
    defect = bug | {"name": "Defect"}
    assert published == [
        ({"labels": [bug]}, {"labels": []}),
        ({"labels": [defect]}, {"labels": [bug]}),
        ({"labels": []}, {"labels": [defect]}),
    ]


def test_a_renamed_project_publishes_its_name_alone(world: World, project_log: ProjectLog) -> None:
    world.new_label("Bug")
    project_log.data()
    world.api("owner").patch(world.path("projects/<id:project_id>/"), {"name": "Gemini"})
    (data,) = project_log.data()
    assert (data["changes"], data.get("previous")) == ({"name": "Gemini"}, None)


NO_CHIPS = ["", " ", "\u2003", "x" * 41, "a\nb", "a\tb", "a\u2028b", "a\x7fb", "a\u202eb", "a\0b", None, 5]


def test_a_name_that_would_not_fit_a_chip_is_refused(world: World, project_log: ProjectLog) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/labels/")
    for name in NO_CHIPS:
        answer = api.post(path, {"name": name, "color": "red"})
        assert answer.status_code == 400, name
        assert [detail["field"] for detail in answer.json()["details"]] == ["name"], name
    assert (labels(world), project_log.data()) == ([], [])


def test_a_colour_is_one_of_the_named_ones(world: World) -> None:
    api, path = world.api("owner"), world.path("projects/<id:project_id>/labels/")
    for color in ("", "pink", "#ff0000", None, 1):
        answer = api.post(path, {"name": "Bug", "color": color})
        assert answer.status_code == 400, color
        assert [detail["field"] for detail in answer.json()["details"]] == ["color"], color


def test_two_labels_differ_in_more_than_their_case(world: World) -> None:
    first, other = world.new_label("Straße"), world.new_label("Docs")
    api, path = world.api("owner"), world.path("projects/<id:project_id>/labels/")
    expected = [{"field": "name", "message": "A label with this name already exists."}]
    for same in ("Straße", "STRASSE", " straße ", "\uff33traße"):
        assert api.post(path, {"name": same, "color": "red"}).json()["details"] == expected, same
        assert api.patch(f"{path}{other}/", {"name": same}).json()["details"] == expected, same
    assert api.patch(f"{path}{first}/", {"name": "STRASSE"}).status_code == 200  # itself


def test_a_project_has_up_to_thirty_labels(world: World) -> None:
    for number in range(projects.MAX_LABELS):
        world.new_label(f"Label {number}")
    path = world.path("projects/<id:project_id>/labels/")
    refused = world.api("owner").post(path, {"name": "One more", "color": "red"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert world.api("owner").delete(f"{path}1/").status_code == 204
    assert world.api("owner").post(path, {"name": "One more", "color": "red"}).json()["id"] == projects.MAX_LABELS + 1


def test_an_id_is_never_used_again(world: World) -> None:
    path = world.path("projects/<id:project_id>/labels/")
    for expected in (1, 2, 3):
        label = world.new_label("Bug")
        assert label == expected
        world.api("owner").delete(f"{path}{label}/")


def test_ids_that_other_code_gave_are_not_used_again_either(world: World) -> None:
    project = Project.objects.get(pk=world.project.pk)
    project.labels = [{"id": 7, "name": "Bug", "color": "red"}]
    project.save()
    Project.objects.filter(pk=project.pk).update(labels=[{"id": 9, "name": "Docs", "color": "blue"}])
    Project.objects.filter(pk=project.pk).update(labels=[])
    assert world.new_label("New") == 10
    made = Project.objects.create(name="Gemini", labels=[{"id": 3, "name": "Bug", "color": "red"}])
    assert made.last_label_id == 3


# --- What tasks carry -----------------------------------------------------------------------


def test_a_task_is_made_with_labels_and_changed(world: World, project_log: ProjectLog) -> None:
    one, two = world.new_label("Bug"), world.new_label("Docs")
    project_log.data()
    body = {"project_id": world.project.pk, "title": "A", "labels": [two, one, two]}
    task = world.api("member").post("/api/tasks/", body).json()
    assert task["labels"] == [one, two]
    changed = world.api("member").patch(f"/api/tasks/{task['id']}/", {"labels": [two]}).json()
    assert (changed["labels"], changed["version"]) == ([two], 2)
    bare = world.api("member").patch(f"/api/tasks/{task['id']}/", {"labels": []}).json()
    assert "labels" not in bare
    created, first, second = project_log.data()
    assert created["task"]["labels"] == [one, two]
    assert (first["changes"], first["previous"]) == ({"labels": [two]}, {"labels": [one, two]})
    assert (second["changes"], second["previous"]) == ({"labels": []}, {"labels": [two]})


def test_the_same_labels_in_another_order_are_no_change(world: World, project_log: ProjectLog) -> None:
    one, two = world.new_label("Bug"), world.new_label("Docs")
    put(world, one, two)
    project_log.data()
    assert put(world, two, one, one).json()["version"] == 2
    task = Task.objects.get(pk=world.task.pk)
    task.labels = [two, one]
    task.save()
    Task.objects.filter(pk=task.pk).update(labels=[two, one, two])
    assert project_log.data() == []
    assert Task.objects.get(pk=world.task.pk).labels == [one, two]


def test_what_is_no_list_of_ids_is_refused(world: World, project_log: ProjectLog) -> None:
    for wrong in (None, 1, "1", [0], [-1], ["1"], [1.5], [True], [[1]], [2**63], list(range(1, 12))):
        for field in ("labels", "add_labels", "remove_labels"):
            answer = world.api("member").patch(world.path("tasks/<id:task_id>/"), {field: wrong})
            assert answer.status_code == 400, (field, wrong)
            assert answer.json()["details"][0]["field"].startswith(field), (field, wrong)
    assert project_log.data() == []


def test_labels_of_another_project_are_refused(world: World) -> None:
    world.new_label("Bug")
    expected = [{"field": "labels", "message": "Some of these labels do not belong to this project."}]
    assert put(world, 1, 2).json()["details"] == expected
    body = {"project_id": world.project.pk, "title": "A", "labels": [2]}
    assert world.api("member").post("/api/tasks/", body).json()["details"] == expected
    assert Task.objects.get(pk=world.task.pk).version == 1


def test_two_users_who_change_different_fields_both_win_and_of_one_field_the_first(world: World) -> None:
    one, two = world.new_label("Bug"), world.new_label("Docs")
    world.api("member").patch(world.path("tasks/<id:task_id>/"), {"title": "Theirs", "version": 1})
    assert put(world, one, version=1).status_code == 200
    stale = put(world, two, version=1)
    assert (stale.status_code, stale.json()["code"]) == (409, Conflict.code)
    assert (stale.json()["details"]["fields"], stale.json()["details"]["task"]["labels"]) == (["labels"], [one])


def test_what_two_add_and_remove_at_the_same_time_is_all_done(world: World, project_log: ProjectLog) -> None:
    one, two, three = (world.new_label(name) for name in ("Bug", "Docs", "Urgent"))
    put(world, one)
    project_log.data()
    for change in ({"add_labels": [two]}, {"add_labels": [three, two]}, {"remove_labels": [one]}):
        answer = relabel(world, **change, version=1)  # all of them looked at the same task
        assert answer.status_code == 200, answer.text
    assert (answer.json()["labels"], answer.json()["version"]) == ([two, three], 5)
    published = [(data["changes"], data["previous"]) for data in project_log.data()]
    assert published == [
        ({"labels": [one, two]}, {"labels": [one]}),
        ({"labels": [one, two, three]}, {"labels": [one, two]}),
        ({"labels": [two, three]}, {"labels": [one, two, three]}),
    ]


def test_what_is_so_already_is_no_change(world: World, project_log: ProjectLog) -> None:
    one, two = world.new_label("Bug"), world.new_label("Docs")
    put(world, one)
    project_log.data()
    assert relabel(world, add_labels=[one], remove_labels=[two]).json()["version"] == 2
    assert relabel(world, add_labels=[], remove_labels=[]).json()["version"] == 2
    assert project_log.data() == []


@pytest.mark.parametrize("by", ["socket", "http"])
def test_an_answer_says_what_it_changed_and_not_what_others_had_done_already(world: World, by: str) -> None:
    one, two, three = (world.new_label(name) for name in ("Bug", "Docs", "Urgent"))

    def change(**changes: list[int]) -> Any:
        if by == "http":
            return relabel(world, **changes).json()
        edit = commands.TaskEdit(**changes)  # type: ignore[arg-type]
        command = commands.TaskUpdate(task_id=world.task.pk, changes=edit)
        return msgspec.to_builtins(actions.perform(world.people["owner"], command))

    put(world, one)
    both = change(add_labels=[one, two], remove_labels=[three])
    assert (both["added_labels"], both["removed_labels"]) == ([two], [])
    removed = change(remove_labels=[three, two])
    assert removed["removed_labels"] == [two]
    assert "added_labels" not in removed  # no label was to be added
    assert change(labels=[three], add_labels=[three], remove_labels=[one])["added_labels"] == [three]
    world.api("owner").delete(world.path("projects/<id:project_id>/labels/") + f"{two}/")
    assert change(add_labels=[two])["added_labels"] == []
    assert not {"added_labels", "removed_labels"} & set(change(labels=[one]))


def test_a_repeated_key_gets_what_it_changed_the_first_time(world: World) -> None:
    label, path = world.new_label("Bug"), world.path("tasks/<id:task_id>/")
    for _ in range(2):
        answer = world.api("member").patch(path, {"add_labels": [label]}, key="k").json()
        assert answer["added_labels"] == [label]
    assert answer["duplicate"] is True


def test_labels_are_set_first_then_added_then_removed(world: World) -> None:
    one, two, three = (world.new_label(name) for name in ("Bug", "Docs", "Urgent"))
    answer = relabel(world, labels=[one], add_labels=[two, three], remove_labels=[two], title="Other")
    assert (answer.json()["labels"], answer.json()["title"], answer.json()["version"]) == ([one, three], "Other", 2)


def test_an_added_label_that_was_deleted_meanwhile_falls_away(world: World, project_log: ProjectLog) -> None:
    one, two = world.new_label("Bug"), world.new_label("Docs")
    world.api("owner").delete(world.path("projects/<id:project_id>/labels/") + f"{one}/")
    project_log.data()
    assert relabel(world, add_labels=[one, two]).json()["labels"] == [two]
    assert relabel(world, remove_labels=[one]).json()["version"] == 2
    assert [data["changes"] for data in project_log.data()] == [{"labels": [two]}]
    refused = relabel(world, add_labels=[two, 3])  # which there never was
    assert refused.json()["details"] == [
        {"field": "add_labels", "message": "Some of these labels do not belong to this project."}
    ]
    assert relabel(world, remove_labels=[3]).json()["version"] == 2


def test_a_task_carries_up_to_ten_labels(world: World) -> None:
    ids = [world.new_label(f"Label {number}") for number in range(12)]
    put(world, *ids[:10])
    refused = relabel(world, add_labels=[ids[10]])
    assert refused.json()["details"] == [{"field": "add_labels", "message": "A task can have up to 10 labels."}]
    assert relabel(world, add_labels=ids[:10]).status_code == 200  # which it carries
    # Deleted labels are not shown, and do not count.
    world.api("owner").delete(world.path("projects/<id:project_id>/labels/") + f"{ids[0]}/")
    assert relabel(world, add_labels=[ids[10]]).json()["labels"] == ids[1:11]
    swapped = relabel(world, add_labels=[ids[11]], remove_labels=[ids[1]])
    assert swapped.json()["labels"] == ids[2:]


@pytest.mark.django_db(transaction=True)
def test_a_deleted_label_is_gone_from_all_tasks_by_one_event(world: World, project_log: ProjectLog) -> None:
    bug, docs = world.new_label("Bug"), world.new_label("Docs")
    put(world, bug, docs)
    other = world.new_task("Other", labels=[bug])
    archived = world.new_task("Done", status="completed", labels=[bug, docs])
    actions.perform(world.people["member"], commands.TaskArchive(task_id=archived.pk))
    project_log.data()
    world.api("owner").delete(world.path("projects/<id:project_id>/labels/") + f"{bug}/")
    assert project_log.names() == ["project_updated"]
    api = world.api("member")
    assert api.get(world.path("tasks/<id:task_id>/")).json()["labels"] == [docs]
    assert "labels" not in api.get(f"/api/tasks/{other.pk}/").json()
    board = api.get(world.path("projects/<id:project_id>/board/")).json()
    assert [task.get("labels") for task in board["tasks"]] == [[docs], None]
    listed = api.get("/api/tasks/").json()["results"] + api.get("/api/tasks/?archived=1").json()["results"]
    assert [task.get("labels") for task in listed] == [[docs], None, [docs]]
    assert api.post(f"/api/tasks/{archived.pk}/restore/").json()["labels"] == [docs]
    # What it carries still is no obstacle to the next change.
    assert put(world).status_code == 200


def test_a_task_that_moves_to_another_project_leaves_its_labels_behind(world: World) -> None:
    put(world, world.new_label("Bug"))
    for change in ("save", "update"):
        task = Task.objects.create(project=world.project, title=change, labels=[1])
        other = Project.objects.create(name="Gemini", labels=[{"id": 1, "name": "Else", "color": "blue"}])
        project_log = ProjectLog(other)
        if change == "save":
            task.project = other
            task.save(update_fields=["project"])
        else:
            Task.objects.filter(pk=task.pk).update(project=other)
        (created,) = project_log.data()
        assert "labels" not in created["task"]
        assert Task.objects.get(pk=task.pk).labels == []


@pytest.mark.django_db(transaction=True)
def test_a_board_carried_on_by_events_is_the_board(world: World) -> None:
    """Also where a label went away while tasks carried it, and one of those was deleted."""
    before = read_board(world.project.pk)
    bug, docs = world.new_label("Bug"), world.new_label("Docs")
    put(world, bug, docs)
    other = world.new_task("Other", labels=[bug])
    actions.perform(world.people["member"], commands.TaskDelete(task_id=other.pk))
    command = commands.LabelDelete(project_id=world.project.pk, label_id=bug)
    actions.perform(world.people["owner"], command)
    actions.perform(world.people["member"], commands.TaskRestore(task_id=other.pk))
    after = read_board(world.project.pk)
    assert [task.get("labels") for task in after["tasks"]] == [[docs], None]
    assert replay(before, read_frames(world.project.pk, before["seq"])) == after


def test_code_that_wrote_past_the_orm_announces_labels(world: World, project_log: ProjectLog) -> None:
    label = world.new_label("Bug")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE taskrealtime_task SET labels = '[{label}]' WHERE id = %s", [world.task.pk])
    project_log.data()
    RealTimeService.broadcast_task_updated(
        task_id=world.task.pk, updates={"labels": [label]}, project_id=world.project.pk
    )
    assert [data["changes"] for data in project_log.data()] == [{"labels": [label]}]


def test_a_row_inserted_past_the_orm_has_no_labels(world: World) -> None:
    columns = [str(field.column) for field in Task._meta.concrete_fields if field.column not in {"id", "labels"}]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO taskrealtime_task ({names}) SELECT {names} FROM taskrealtime_task WHERE id = %s",
            [world.task.pk],
        )
        cursor.execute("INSERT INTO taskrealtime_project (name, created_at) VALUES ('Raw', '2026-01-01 00:00:00+00')")
    assert Task.objects.latest("id").labels == []
    project = Project.objects.latest("id")
    assert (project.labels, project.last_label_id) == ([], 0)


@pytest.mark.usefixtures("known_epoch")
def test_a_save_of_a_task_asks_no_more_than_without_labels(world: World) -> None:
    label = world.new_label("Bug")
    plain, labelled = world.new_task("Plain"), world.new_task("Labelled", labels=[label])
    counts = []
    for task in (plain, labelled):
        task.title = "Other"
        with CaptureQueriesContext(connection) as queries:
            task.save()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_task_that_moves_to_another_project_leaves_its_labels(world: World) -> None:
    world.api("owner").post(world.path("projects/<id:project_id>/labels/"), {"name": "Bug", "color": "red"})
    assert put(world, 1).status_code == 200
    task = Task.objects.get(pk=world.task.pk)
    task.project = Project.objects.create(name="Elsewhere")
    task.save()
    assert Task.objects.get(pk=task.pk).labels == []
