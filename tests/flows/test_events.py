"""The events that other clients receive of a change, whichever interface made it."""

import re
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.conftest import Users
from tests.flows.objects import check_event, check_task, moment
from tests.support.fences import names, received
from tests.support.sockets import Frame, Refused
from tests.support.stacks import RemoteError, Server


class Scene:
    """A project with one task, a writer and a listener that writes nothing."""

    def __init__(self, server: Server, users: Users, connect: Connect, project: int) -> None:
        self.server, self.users, self.project = server, users, project
        self.api = server.api(users.ann)
        self.writer = connect(server, users.bob)
        self.listener = connect(server, users.vic)
        self.task: int = self.writer.ask("task_create", {"project_id": project, "title": "A"})["task"]["id"]
        self.head: int = self.listener.ask("join_project", {"project_id": project})["seq"]
        self.last = self.head

    def received(self) -> list[Frame]:
        """The events since the last look: well-formed and numbered without gaps."""
        frames = received(self.listener, self.project, by=self.writer)
        for frame in frames:
            check_event(frame)
        assert [frame["seq"] for frame in frames] == list(range(self.last + 1, self.last + 1 + len(frames)))
        self.last += len(frames) + 1  # and the fence
        return frames

    def shell(self, code: str, **values: Any) -> Any:
        """Run code in another process, with the ids of this scene by name."""
        names = {"task_id": self.task, "project_id": self.project, "ann": self.users.ann.id, "bob": self.users.bob.id,
                 "cas": self.users.cas.id, "vic": self.users.vic.id, "eve": self.users.eve.id}  # fmt: skip
        return self.server.stack.run("from django.db import connection, transaction\n" + code, **(names | values))


@pytest.fixture
def scene(server: Server, users: Users, connect: Connect, project: int) -> Scene:
    return Scene(server, users, connect, project)


def by_of(frames: list[Frame]) -> set[int | None]:
    return {frame["data"]["by"] and frame["data"]["by"]["id"] for frame in frames}


# --- By socket ------------------------------------------------------------------------------------------


def test_creating(scene: Scene, users: Users) -> None:
    task = scene.writer.ask(
        "task_create", {"project_id": scene.project, "title": "B", "assignee_id": users.cas.id, "status": "review"}
    )["task"]
    (frame,) = scene.received()
    assert frame["event"] == "task_created"
    assert frame["data"]["task"] == task
    assert frame["data"]["by"] == {"id": users.bob.id, "username": users.bob.username}
    assert abs((moment(frame["at"]) - moment(task["created_at"])).total_seconds()) < 5


def test_changing_fields(scene: Scene, users: Users) -> None:
    answer = scene.writer.ask(
        "task_update",
        {"task_id": scene.task, "changes": {"title": "B", "priority": "high", "description": "d", "status": "todo"}},
    )
    (frame,) = scene.received()
    assert frame["event"] == "task_updated"
    assert frame["data"] == {
        "task_id": scene.task,
        "project_id": scene.project,
        "changes": {"title": "B", "priority": "high", "description": "d"},
        "previous": {"title": "A", "priority": "medium", "description": ""},
        "version": answer["version"],
        "by": {"id": users.bob.id, "username": users.bob.username},
    }


def test_changing_status_and_assignee_at_once(scene: Scene, users: Users) -> None:
    changes = {"status": "completed", "assignee_id": users.cas.id, "title": "B", "due_at": "2030-01-01T00:00:00Z"}
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": changes})
    frames = scene.received()
    assert frames[0]["event"] == "task_updated"
    assert sorted(names(frames)) == ["task_assigned", "task_status_changed", "task_updated"]
    changed = next(frame["data"] for frame in frames if frame["event"] == "task_status_changed")
    assigned = next(frame["data"] for frame in frames if frame["event"] == "task_assigned")
    assert (changed["old_status"], changed["new_status"]) == ("todo", "completed")
    assert (assigned["assignee_id"], assigned["previous_assignee_id"], assigned["title"]) == (users.cas.id, None, "B")
    assert {frame["data"]["version"] for frame in frames} == {2}
    assert {frame["at"] for frame in frames} == {frames[0]["at"]}
    changes |= {"assignee_id": users.vic.id}
    for assignee, previous in ((users.vic.id, users.cas.id), (None, users.vic.id)):
        scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"assignee_id": assignee}})
        updated, assigned = scene.received()
        assert updated["data"]["changes"] == {"assignee_id": assignee}
        assert updated["data"]["previous"] == {"assignee_id": previous}
        assert (assigned["data"]["assignee_id"], assigned["data"]["previous_assignee_id"]) == (assignee, previous)


def test_nothing_changed_nothing_published(scene: Scene) -> None:
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": "A", "status": "todo"}})
    scene.writer.ask("task_status_update", {"task_id": scene.task, "status": "todo"})
    scene.api.patch(f"/api/tasks/{scene.task}/", json={"title": "A"})
    scene.api.patch(f"/api/projects/{scene.project}/", json={"name": "Board"})
    scene.shell("Task.objects.get(id=task_id).save()")
    scene.shell("Task.objects.filter(id=task_id).update(title='A', status='todo')")
    scene.shell("Task.objects.filter(id=-1).update(title='B')")
    scene.shell("t = Task.objects.get(id=task_id); Task.objects.bulk_update([t], ['title', 'status'])")
    scene.shell("Project.objects.get(id=project_id).save()")
    scene.shell("Membership.objects.get(project_id=project_id, user_id=bob).save()")
    assert scene.received() == []
    assert scene.shell("result = Task.objects.get(id=task_id).version") == 1


def test_deleting_and_restoring(scene: Scene) -> None:
    scene.writer.ask("new_comment", {"task_id": scene.task, "content": "c"})
    scene.writer.ask("task_delete", {"task_id": scene.task})
    task = scene.writer.ask("task_restore", {"task_id": scene.task})["task"]
    added, deleted, restored = scene.received()
    assert names([added, deleted, restored]) == ["comment_added", "task_deleted", "task_restored"]
    assert deleted["data"]["task_id"] == restored["data"]["task"]["id"] == scene.task
    assert restored["data"]["task"] == task
    assert task["comment_count"] == 1


def test_comments(scene: Scene, users: Users) -> None:
    made = scene.writer.ask("new_comment", {"task_id": scene.task, "content": "hello **all**"})
    (added,) = scene.received()
    assert added["event"] == "comment_added"
    assert "reason" not in added["data"]
    comment = added["data"]["comment"]
    assert comment["id"] == made["comment_id"]
    assert (comment["content"], comment["author"]["id"]) == ("hello **all**", users.bob.id)
    assert "<strong>all</strong>" in comment["content_html"]
    api = scene.server.api(users.bob)
    changed = api.patch(f"/api/comments/{comment['id']}/", json={"content": "bye"})
    assert changed.status_code == 200
    (updated,) = scene.received()
    assert updated["event"] == "comment_updated"
    assert updated["data"]["comment"]["content"] == "bye"
    assert updated["data"]["comment"] == changed.json()
    assert updated["data"]["comment"]["created_at"] == comment["created_at"]
    assert api.delete(f"/api/comments/{comment['id']}/").status_code == 204
    (deleted,) = scene.received()
    assert deleted["event"] == "comment_deleted"
    assert deleted["data"]["comment_id"] == comment["id"]
    task = scene.api.get(f"/api/tasks/{scene.task}/").json()
    assert (task["comment_count"], task["version"]) == (0, 1)


def test_scripts_in_comments_are_harmless(scene: Scene) -> None:
    content = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)> <b onclick='x'>b</b>"
    scene.writer.ask("new_comment", {"task_id": scene.task, "content": content})
    (frame,) = scene.received()
    assert frame["data"]["comment"]["content"] == content
    html = frame["data"]["comment"]["content_html"]
    assert not re.search(r"<script|<img[^>]*onerror|<[^>]*onclick|href=.?javascript", html, re.IGNORECASE), html


def test_the_user_who_asked_receives_the_event_like_the_others(scene: Scene) -> None:
    scene.writer.ask("join_project", {"project_id": scene.project})
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": "B"}})
    mine = scene.writer.expect("task_updated")
    assert scene.listener.expect("task_updated") == mine


# --- By REST ---------------------------------------------------------------------------------------------


def test_changes_by_rest_are_published(scene: Scene, users: Users) -> None:
    made = scene.api.post("/api/tasks/", json={"project_id": scene.project, "title": "R"}).json()
    scene.api.patch(f"/api/tasks/{made['id']}/", json={"status": "review", "assignee_id": users.bob.id})
    scene.api.post(f"/api/tasks/{made['id']}/comments/", json={"content": "c"})
    scene.api.delete(f"/api/tasks/{made['id']}/")
    scene.api.post(f"/api/tasks/{made['id']}/restore/")
    scene.api.patch(f"/api/projects/{scene.project}/", json={"name": "Renamed"})
    frames = scene.received()
    assert names(frames) == [
        "task_created", "task_updated", "task_status_changed", "task_assigned", "comment_added", "task_deleted",
        "task_restored", "project_updated",
    ]  # fmt: skip
    assert by_of(frames) == {users.ann.id}
    assert frames[-1]["data"]["changes"] == {"name": "Renamed"}
    check_task({name: value for name, value in made.items() if name != "description_html"})


def test_members_come_change_and_go(scene: Scene, users: Users, connect: Connect) -> None:
    members = f"/api/projects/{scene.project}/members/"
    added = scene.api.post(members, json={"username": users.eve.username, "role": "viewer"})
    assert added.status_code == 201
    (frame,) = scene.received()
    assert frame["event"] == "project_member_added"
    assert (frame["data"]["user"]["id"], frame["data"]["role"]) == (users.eve.id, "viewer")
    scene.api.patch(f"{members}{users.eve.id}/", json={"role": "member"})
    (frame,) = scene.received()
    assert (frame["event"], frame["data"]["user_id"], frame["data"]["role"]) == (
        "project_member_updated",
        users.eve.id,
        "member",
    )
    scene.api.delete(f"{members}{users.eve.id}/")
    (frame,) = scene.received()
    assert (frame["event"], frame["data"]["user_id"]) == ("project_member_removed", users.eve.id)


# --- By other processes ---------------------------------------------------------------------------------------


TASK_CHANGES = {
    "save": "t = Task.objects.get(id=task_id); t.title = 'B'; t.save()",
    "save of one field": "t = Task.objects.get(id=task_id); t.title = 'B'; t.save(update_fields=['title'])",
    "update": "Task.objects.filter(id=task_id).update(title='B')",
    "bulk_update": "t = Task.objects.get(id=task_id); t.title = 'B'; Task.objects.bulk_update([t], ['title'])",
    "related manager": "Project.objects.get(id=project_id).tasks.filter(id=task_id).update(title='B')",
    "expression": "from django.db.models import Value\nTask.objects.filter(id=task_id).update(title=Value('B'))",
    "update_or_create": "Task.objects.update_or_create(id=task_id, defaults={'title': 'B'})",
    "stale instance": "t = Task.objects.get(id=task_id); t.title = 'B'; t.save(); t.save()",
    "async save": (
        "import asyncio\nasync def go():\n    t = await Task.objects.aget(id=task_id)\n    t.title = 'B'\n"
        "    await t.asave()\nasyncio.run(go())"
    ),
    "async update": (
        "import asyncio\nasync def go():\n    await Task.objects.filter(id=task_id).aupdate(title='B')\nasyncio.run(go())"
    ),
    "base manager": "Task._base_manager.filter(id=task_id).update(title='B')",
    "select_for_update": (
        "with transaction.atomic():\n    t = Task.objects.select_for_update().get(id=task_id)\n    t.title = 'B'\n    t.save()"
    ),
    "deferred": "t = Task.objects.only('id').get(id=task_id); t.title = 'B'; t.save()",
    "thread": (
        "import threading\nfrom django.db import connection as c\n"
        "def go():\n    Task.objects.filter(id=task_id).update(title='B')\n    c.close()\n"
        "t = threading.Thread(target=go); t.start(); t.join()"
    ),
}


@pytest.mark.parametrize("way", TASK_CHANGES)
def test_a_change_in_a_shell_is_published_once(scene: Scene, way: str) -> None:
    scene.shell(TASK_CHANGES[way])
    (frame,) = scene.received()
    assert frame["event"] == "task_updated"
    assert (frame["data"]["changes"], frame["data"]["previous"]) == ({"title": "B"}, {"title": "A"})
    assert (frame["data"]["version"], frame["data"]["by"]) == (2, None)


def test_status_and_assignee_by_bulk_methods(scene: Scene, users: Users) -> None:
    scene.shell("Task.objects.filter(id=task_id).update(status='review', assignee=bob)")
    scene.shell(
        "t = Task.objects.get(id=task_id); t.status = 'todo'; t.assignee_id = cas; "
        "Task.objects.bulk_update([t], ['status', 'assignee'])"
    )
    frames = scene.received()
    assert names(frames) == ["task_updated", "task_status_changed", "task_assigned"] * 2
    assert [frame["data"]["version"] for frame in frames] == [2] * 3 + [3] * 3
    assert frames[5]["data"]["previous_assignee_id"] == users.bob.id


def test_bulk_methods_publish_every_row(scene: Scene) -> None:
    scene.shell(
        "Task.objects.bulk_create([Task(project_id=project_id, title=f'b{n}') for n in range(30)])\n"
        "Task.objects.filter(project_id=project_id, title__startswith='b').update(priority='low')\n"
        "rows = list(Task.objects.filter(project_id=project_id, title__startswith='b').order_by('id'))\n"
        "for row in rows: row.description = row.title\n"
        "Task.objects.bulk_update(rows, ['description'], batch_size=7)\n"
        "rows[0].comments.create(author_id=bob, content='one')\n"
        "Comment.objects.bulk_create([Comment(task=rows[0], author_id=bob, content=f'c{n}') for n in range(5)])\n"
        "Comment.objects.filter(task=rows[0]).update(content='same')\n"
    )
    frames = scene.received()  # Before anything is deleted: a late reader of the log gets no content of what is gone.
    scene.shell(
        "first = Task.objects.filter(project_id=project_id, title__startswith='b').order_by('id').first()\n"
        "Comment.objects.filter(task=first).delete()\n"
        "Task.objects.filter(project_id=project_id, title__startswith='b').delete()"
    )
    frames += scene.received()
    assert names(frames) == (
        ["task_created"] * 30 + ["task_updated"] * 60 + ["comment_added"] * 6 + ["comment_updated"] * 6
        + ["comment_deleted"] * 6 + ["task_deleted"] * 30
    )  # fmt: skip
    created = [frame["data"]["task"] for frame in frames[:30]]
    assert [task["title"] for task in created] == [f"b{n}" for n in range(30)]
    assert len({task["position"] for task in created}) == 30
    assert [task["id"] for task in sorted(created, key=lambda t: t["position"].encode())] == [t["id"] for t in created]


def test_deleting_a_task_in_a_shell_says_nothing_of_its_comments(scene: Scene) -> None:
    scene.shell("Comment.objects.bulk_create([Comment(task_id=task_id, author_id=bob, content='c') for _ in range(3)])")
    scene.shell("Task.objects.get(id=task_id).delete()")
    assert names(scene.received()) == ["comment_added"] * 3 + ["task_deleted"]
    with pytest.raises(Refused) as refused:
        scene.writer.ask("new_comment", {"task_id": scene.task, "content": "x"})
    assert refused.value.code == "not_found"


def test_a_comment_deleted_in_a_shell(scene: Scene) -> None:
    comment = scene.writer.ask("new_comment", {"task_id": scene.task, "content": "c"})["comment_id"]
    scene.shell("Comment.objects.get(id=comment).delete()", comment=comment)
    assert names(scene.received()) == ["comment_added", "comment_deleted"]


def test_members_in_a_shell(scene: Scene, users: Users) -> None:
    scene.shell("Membership.objects.create(project_id=project_id, user_id=eve, role='viewer')")
    scene.shell("m = Membership.objects.get(project_id=project_id, user_id=eve); m.role = 'member'; m.save()")
    scene.shell("Membership.objects.filter(project_id=project_id, user_id=eve).update(role='owner')")
    scene.shell("Membership.objects.filter(project_id=project_id, user_id=eve).delete()")
    frames = scene.received()
    assert names(frames) == [
        "project_member_added", "project_member_updated", "project_member_updated", "project_member_removed"
    ]  # fmt: skip
    assert [frame["data"]["role"] for frame in frames[:3]] == ["viewer", "member", "owner"]


def test_a_project_renamed_in_a_shell(scene: Scene) -> None:
    scene.shell("Project.objects.filter(id=project_id).update(name='B')")
    scene.shell("p = Project.objects.get(id=project_id); p.name = 'C'; p.save()")
    assert [frame["data"]["changes"] for frame in scene.received()] == [{"name": "B"}, {"name": "C"}]


def test_a_task_moved_to_another_project(scene: Scene, users: Users, connect: Connect) -> None:
    other = scene.shell(
        "p = Project.objects.create(name='Other'); Membership.objects.create(project=p, user_id=ann, role='owner')\n"
        "result = p.id"
    )
    owner = connect(scene.server, users.ann)
    owner.ask("join_project", {"project_id": other})
    scene.shell("t = Task.objects.get(id=task_id); t.project_id = other; t.save()", other=other)
    (gone,) = scene.received()
    assert (gone["event"], gone["data"]["task_id"]) == ("task_deleted", scene.task)
    (come,) = received(owner, other)
    assert (come["event"], come["data"]["task"]["id"]) == ("task_created", scene.task)


# --- Transactions -----------------------------------------------------------------------------------------------


def test_rolled_back_never_happened(scene: Scene) -> None:
    scene.shell(
        "try:\n    with transaction.atomic():\n        Task.objects.filter(id=task_id).update(title='B')\n"
        "        Task.objects.create(project_id=project_id, title='C')\n        raise KeyError\n"
        "except KeyError: pass"
    )
    assert scene.received() == []
    assert scene.shell("t = Task.objects.get(id=task_id); result = [t.title, t.version]") == ["A", 1]


def test_a_savepoint_rolled_back_never_happened(scene: Scene) -> None:
    scene.shell(
        "with transaction.atomic():\n"
        "    t = Task.objects.get(id=task_id)\n"
        "    t.title = 'B'; t.save()\n"
        "    try:\n        with transaction.atomic():\n            t.title = 'C'; t.save(); t.comments.create(author_id=bob, content='x')\n"
        "            raise KeyError\n"
        "    except KeyError: pass\n"
        "    t.title = 'D'; t.save()"
    )
    frames = scene.received()
    assert [frame["data"]["changes"]["title"] for frame in frames] == ["B", "D"]
    assert [frame["data"]["previous"]["title"] for frame in frames] == ["A", "B"]
    assert [frame["data"]["version"] for frame in frames] == [2, 3]


def test_a_transactions_events_come_together_and_in_order(scene: Scene, users: Users) -> None:
    scene.shell(
        "with transaction.atomic():\n"
        "    t = Task.objects.get(id=task_id)\n"
        "    for n in range(5):\n        t.title = str(n); t.save()\n"
        "    t.status = 'review'; t.save()\n"
        "    t.comments.create(author_id=bob, content='c')\n"
        "    Task.objects.filter(id=task_id).delete()"
    )
    assert names(scene.received()) == [
        *["task_updated"] * 6, "task_status_changed", "comment_added", "task_deleted"
    ]  # fmt: skip


def test_a_process_that_dies_right_after_its_commit(scene: Scene) -> None:
    code = (
        "import os, signal\n"
        "from django.db import transaction\n"
        "from taskrealtime.models import Task\n"
        "with transaction.atomic():\n"
        "    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
        f"    Task.objects.filter(id={scene.task}).update(title='B')"
    )
    with pytest.raises(AssertionError, match="ended with -9"):
        scene.server.stack.manage("shell", "-c", code)
    frame = scene.listener.expect("task_updated")
    check_event(frame)
    assert frame["data"]["changes"] == {"title": "B"}


# --- The admin's pages ----------------------------------------------------------------------------------------------


ADMIN = """
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS = ["testserver"]
admin = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("root", password="x")
browser = Client(raise_request_exception=True)
browser.force_login(admin)
def form(url, **fields):
    page = browser.get(url)
    assert page.status_code == 200, page.status_code
    adminform = page.context_data["adminform"]
    data = {}
    def take(form):
        for bound in form:
            value = bound.value()
            widget = bound.field.widget
            if hasattr(widget, "widgets") or hasattr(getattr(widget, "widget", None), "widgets"):
                for index, part in enumerate(widget.decompress(value)):
                    data[f"{bound.html_name}_{index}"] = "" if part is None else str(part)
            else:
                data[bound.html_name] = "" if value is None else str(value)
    take(adminform.form)
    for inline in page.context_data["inline_admin_formsets"]:
        take(inline.formset.management_form)
        for inner in inline.formset.forms:
            take(inner)
    answer = browser.post(url, data | fields)
    assert answer.status_code == 302, answer.context_data["errors"]
"""


def test_changes_in_the_admin_are_published(scene: Scene, users: Users) -> None:
    result = scene.shell(
        ADMIN + "comment = Comment.objects.create(task_id=task_id, author_id=bob, content='c')\n"
        "form(f'/admin/taskrealtime/task/{task_id}/change/', title='B', status='review', assignee=str(bob))\n"
        "form('/admin/taskrealtime/task/add/', title='new', project=str(project_id))\n"
        "form(f'/admin/taskrealtime/comment/{comment.id}/change/', content='d')\n"
        "form(f'/admin/taskrealtime/project/{project_id}/change/', name='Renamed')\n"
        "browser.post(f'/admin/taskrealtime/comment/{comment.id}/delete/', {'post': 'yes'})\n"
        "browser.post('/admin/taskrealtime/task/', {'action': 'delete_selected', '_selected_action': [task_id], 'post': 'yes'})\n"
        "result = admin.id"
    )
    frames = scene.received()
    assert names(frames) == [
        "comment_added", "task_updated", "task_status_changed", "task_assigned", "task_created", "comment_updated",
        "project_updated", "comment_deleted", "task_deleted",
    ]  # fmt: skip
    assert by_of(frames[1:]) == {result}


def test_saving_an_unchanged_page_says_nothing(scene: Scene) -> None:
    scene.shell("Task.objects.filter(id=task_id).update(due_at='2030-01-02T03:04:05Z', description='a\\r\\nb')")
    assert names(scene.received()) == ["task_updated"]
    scene.shell(ADMIN + "form(f'/admin/taskrealtime/task/{task_id}/change/')")
    assert scene.received() == []


# --- RealTimeService, for code that writes past the ORM -----------------------------------------------------------------


SQL = "from taskrealtime.services import RealTimeService as service\ncursor = connection.cursor()\n"


def test_what_was_written_past_the_orm_is_announced(scene: Scene, users: Users) -> None:
    scene.shell(
        SQL
        + "cursor.execute(\"UPDATE taskrealtime_task SET title = 'B', status = 'review', assignee_id = %s WHERE id = %s\", [bob, task_id])\n"
        "service.broadcast_task_updated(task_id=task_id, updates={'title': 'B'}, project_id=project_id, updater_id=ann)\n"
        "service.broadcast_task_status_changed("
        "task_id=task_id, old_status='todo', new_status='review', project_id=project_id, updater_id=ann)\n"
        "service.broadcast_task_assigned(task_id=task_id, assignee_id=bob, project_id=project_id, updater_id=ann)\n"
        "service.broadcast_comment_added("
        "task_id=task_id, comment_data={'content': 'hello'}, project_id=project_id, author_id=ann)\n"
    )
    frames = received(scene.listener, scene.project, by=scene.writer)
    assert names(frames) == ["task_updated", "task_status_changed", "task_assigned", "comment_added"]
    assert by_of(frames) == {users.ann.id}
    assert frames[0]["data"]["changes"] == {"title": "B"}
    versions = [frame["data"]["version"] for frame in frames[:3]]
    assert versions == sorted(versions)
    assert versions[-1] == scene.shell("result = Task.objects.get(id=task_id).version")


def test_a_broadcast_in_a_rolled_back_transaction_publishes_nothing(scene: Scene) -> None:
    scene.shell(
        SQL + "try:\n    with transaction.atomic():\n"
        "        service.broadcast_comment_added("
        "task_id=task_id, comment_data={'content': 'hello'}, project_id=project_id, author_id=ann)\n"
        "        raise KeyError\nexcept KeyError: pass"
    )
    assert scene.received() == []


def test_a_false_broadcast_is_refused(scene: Scene) -> None:
    for call in (
        "broadcast_task_updated(task_id=task_id, updates={'title': 'no'}, project_id=project_id)",
        "broadcast_task_updated(task_id=task_id, updates={}, project_id=project_id)",
        "broadcast_task_updated(task_id=task_id, updates={'colour': 'red'}, project_id=project_id)",
        "broadcast_task_updated(task_id=999999999, updates={'title': 'A'}, project_id=project_id)",
        "broadcast_task_updated(task_id=task_id, updates={'title': 'A'}, project_id=999999999)",
        "broadcast_task_status_changed(task_id=task_id, old_status='todo', new_status='review', project_id=project_id)",
        "broadcast_task_deleted(task_id=task_id, project_id=project_id)",
        "broadcast_member_added(project_id=project_id, user_id=eve)",
        "broadcast_member_removed(project_id=project_id, user_id=bob)",
        "broadcast_comment_added(task_id=task_id, comment_data={'content': ''}, project_id=project_id, author_id=ann)",
    ):
        with pytest.raises(RemoteError):
            scene.shell(SQL + f"service.{call}")
    assert scene.received() == []


# --- Leaving, being removed, coming back ------------------------------------------------------------------------------------


def test_a_removed_member_receives_nothing_more(scene: Scene, users: Users, connect: Connect) -> None:
    project = scene.project
    tabs = [connect(scene.server, users.cas) for _ in range(2)]
    for tab in tabs:
        tab.ask("join_project", {"project_id": project})
    scene.shell("Task.objects.filter(id=task_id).update(assignee=cas)")
    second = scene.writer.ask("task_create", {"project_id": project, "title": "B", "assignee_id": users.cas.id})["task"]
    scene.received()
    assert scene.api.delete(f"/api/projects/{project}/members/{users.cas.id}/").status_code == 204
    frames = scene.received()
    assert names(frames)[-1] == "project_member_removed"
    assert sorted(names(frames)[:-1]) == ["task_assigned"] * 2 + ["task_updated"] * 2
    assert {frame["data"]["task_id"] for frame in frames[:-1]} == {scene.task, second["id"]}
    assert {frame["data"]["assignee_id"] for frame in frames if frame["event"] == "task_assigned"} == {None}
    removed_at = frames[-1]["seq"]
    for tab in tabs:
        assert tab.expect("removed_from_project")["data"] == {"project_id": project}
        for event, data in (
            ("join_project", {"project_id": project}),
            ("task_create", {"project_id": project, "title": "x"}),
            ("task_update", {"task_id": scene.task, "changes": {"title": "x"}}),
        ):
            with pytest.raises(Refused) as refused:
                tab.ask(event, data)
            assert refused.value.code == "not_found"
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"description": "secret"}})
    scene.received()
    # Added again: they join like any member, and the events that they missed are available.
    scene.api.post(f"/api/projects/{project}/members/", json={"username": users.cas.username, "role": "viewer"})
    for tab in tabs:
        answer = tab.ask("join_project", {"project_id": project})
        title = f"seen by {tabs.index(tab)}"
        scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": title}})
        assert tab.expect("task_updated", changes={"title": title})["seq"] == answer["seq"] + 1
        seqs = tab.seqs(f"project.{project}")
        assert not [seq for seq in seqs if removed_at < seq <= answer["seq"]]
        assert "secret" not in str(tab.history)
        assert len([frame for frame in tab.history if frame["event"] == "removed_from_project"]) == 1


@pytest.mark.parametrize(
    "code",
    [
        "Membership.objects.get(project_id=project_id, user_id=cas).delete()",
        "Membership.objects.filter(project_id=project_id, user_id=cas).delete()",
        "with transaction.atomic():\n"
        "    Membership.objects.filter(project_id=project_id, user_id=cas).delete()\n"
        "    Task.objects.filter(id=task_id).update(title='secret')",
    ],
    ids=["instance", "queryset", "with more in one transaction"],
)
def test_removed_in_a_shell(scene: Scene, users: Users, connect: Connect, code: str) -> None:
    out = connect(scene.server, users.cas)
    out.ask("join_project", {"project_id": scene.project})
    scene.shell(code)
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": "secret too"}})
    out.expect("removed_from_project", project_id=scene.project)
    assert names(scene.received())[0] == "project_member_removed"
    assert "secret" not in str(out.settle())


def test_removed_and_added_again_at_once(scene: Scene, users: Users, connect: Connect) -> None:
    tab = connect(scene.server, users.cas)
    tab.ask("join_project", {"project_id": scene.project})
    scene.shell(
        "with transaction.atomic():\n"
        "    Membership.objects.filter(project_id=project_id, user_id=cas).delete()\n"
        "    Membership.objects.create(project_id=project_id, user_id=cas, role='member')"
    )
    tab.expect("removed_from_project", project_id=scene.project)
    seq = tab.ask("join_project", {"project_id": scene.project})["seq"]
    scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": "B"}})
    assert tab.expect("task_updated")["seq"] > seq


def test_a_removal_is_sent_once_to_every_connection_of_the_user(scene: Scene, users: Users, connect: Connect) -> None:
    inside, outside = connect(scene.server, users.cas), connect(scene.server, users.cas)
    members = f"/api/projects/{scene.project}/members/"
    for _ in range(2):
        inside.ask("join_project", {"project_id": scene.project})
        assert scene.api.delete(f"{members}{users.cas.id}/").status_code == 204
        for tab in (inside, outside):
            tab.expect("removed_from_project", project_id=scene.project)
        scene.api.post(members, json={"username": users.cas.username, "role": "member"})
        for tab in (inside, outside):
            assert "removed_from_project" not in names(tab.settle())


def test_a_deleted_project_is_sent_to_members_who_had_not_joined_it(
    scene: Scene, users: Users, connect: Connect
) -> None:
    inside, outside = connect(scene.server, users.cas), connect(scene.server, users.cas)
    inside.ask("join_project", {"project_id": scene.project})
    assert scene.api.delete(f"/api/projects/{scene.project}/").status_code == 204
    for tab in (inside, outside):
        tab.expect("removed_from_project", project_id=scene.project)
        assert "removed_from_project" not in names(tab.settle())


def test_one_may_leave(scene: Scene, users: Users, connect: Connect) -> None:
    tab = connect(scene.server, users.cas)
    tab.ask("join_project", {"project_id": scene.project})
    assert scene.server.api(users.cas).post(f"/api/projects/{scene.project}/leave/").status_code in {200, 204}
    (frame,) = scene.received()
    assert (frame["event"], frame["data"]["user_id"]) == ("project_member_removed", users.cas.id)
    assert frame["data"]["by"]["id"] == users.cas.id
    tab.expect("removed_from_project", project_id=scene.project)


@pytest.mark.parametrize("way", ["rest", "instance", "queryset"])
def test_deleting_a_project_removes_everyone(scene: Scene, users: Users, connect: Connect, way: str) -> None:
    project = scene.project
    owner = connect(scene.server, users.ann)
    owner.ask("join_project", {"project_id": project})
    scene.writer.ask("join_project", {"project_id": project})
    scene.writer.ask("new_comment", {"task_id": scene.task, "content": "c"})
    if way == "rest":
        assert scene.api.delete(f"/api/projects/{project}/").status_code == 204
    elif way == "instance":
        scene.shell("Project.objects.get(id=project_id).delete()")
    else:
        scene.shell("Project.objects.filter(id=project_id).delete()")
    for socket in (owner, scene.writer, scene.listener):
        assert socket.expect("removed_from_project")["data"] == {"project_id": project}
        with pytest.raises(Refused) as refused:
            socket.ask("join_project", {"project_id": project})
        assert refused.value.code == "not_found"
    for url in ("", "board/", "events/?since=0", "members/"):
        assert scene.api.get(f"/api/projects/{project}/{url}").status_code == 404
    with pytest.raises(Refused) as refused:
        scene.writer.ask("task_update", {"task_id": scene.task, "changes": {"title": "x"}})
    assert refused.value.code == "not_found"


def test_deleting_a_user_leaves_a_tidy_board(scene: Scene, users: Users, connect: Connect) -> None:
    user = scene.server.stack.user()
    members = f"/api/projects/{scene.project}/members/"
    scene.api.post(members, json={"username": user.username, "role": "member"})
    gone = connect(scene.server, user)
    gone.ask("join_project", {"project_id": scene.project})
    task = gone.ask("task_create", {"project_id": scene.project, "title": "T", "assignee_id": user.id})["task"]["id"]
    comment = gone.ask("new_comment", {"task_id": task, "content": "mine"})["comment_id"]
    scene.received()
    scene.shell("User.objects.get(id=user).delete()", user=user.id)
    assert gone.wait_closed() == 4403
    frames = scene.received()
    assert "project_member_removed" in names(frames)
    assigned = [frame for frame in frames if frame["event"] == "task_assigned"]
    assert [(frame["data"]["task_id"], frame["data"]["assignee_id"]) for frame in assigned] == [(task, None)]
    board = scene.api.get(f"/api/projects/{scene.project}/board/").json()
    (row,) = [row for row in board["tasks"] if row["id"] == task]
    assert (row["assignee_id"], row["created_by_id"]) == (None, None)
    assert user.id not in [member["user"]["id"] for member in board["members"]]
    comments = scene.api.get(f"/api/tasks/{task}/comments/").json()["results"]
    deleted = [frame["data"]["comment_id"] for frame in frames if frame["event"] == "comment_deleted"]
    assert row["comment_count"] == len(comments)
    assert (comment in deleted) == (comments == [])
