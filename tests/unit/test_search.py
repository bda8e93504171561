"""One search over all projects of a user: by words, in titles, descriptions and comments."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Now
from pytest_django import Settings

from taskrealtime import actions, searching
from taskrealtime.contract import commands
from taskrealtime.folding import fold
from taskrealtime.models import Comment, Project, Task
from taskrealtime.searching import Excerpt, excerpt
from tests.support.world import World

pytestmark = pytest.mark.django_db


def search(world: World, words: str, role: str = "viewer", **parameters: Any) -> dict[str, Any]:
    answer = world.api(role).get(f"/api/search/?{urlencode({'q': words, **parameters})}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def found(world: World, words: str, role: str = "viewer") -> list[int]:
    """The ids of the tasks, in their order."""
    return [hit["task"]["id"] for hit in search(world, words, role)["results"]]


def comment_on(task: Task, content: str) -> Comment:
    return Comment.objects.create(task=task, content=content)


def test_each_word_is_found_in_the_title_the_description_or_any_comment(
    world: World, subtests: pytest.Subtests
) -> None:
    cafe = world.new_task("Café ÜBERMALEN 100%", description="In der Großen Straße")
    comment_on(cafe, "Erst die ﬁnale Farbe")
    comment_on(cafe, "Dann trocknen")
    for words, is_found in (
        ("CAFE", True),
        ("ubermalen  strasse", True),
        ("malen final trockn", True),
        (f"#{cafe.pk} finale", True),
        ("100%", True),
        ("cafe fehlt", False),
        ("10_%", False),
        ("trocknen erst dann nie", False),
        (f"#{cafe.pk}0", False),
        ("\u0301", False),
        ("   ", False),
    ):
        with subtests.test(words):
            assert found(world, words) == ([cafe.pk] if is_found else [])


def test_a_hit_says_where_it_is_and_what_matched(world: World) -> None:
    task = world.new_task("Café streichen", description="x " * 50 + "mit BLAUER\nFarbe, blau und gut " + "y " * 150)
    comment_on(task, "Blaue Tür")
    newest = comment_on(task, "Die Tür zuletzt")
    [hit] = search(world, "cafe blau tur")["results"]
    assert hit["project"] == {"id": world.project.pk, "name": "Apollo"}
    assert (hit["task"]["id"], hit["task"]["title"], hit["task"]["status"]) == (task.pk, "Café streichen", "todo")
    assert "archived_at" not in hit["task"]
    title, description, comment = hit["matches"]
    assert title == {"where": "title", "excerpt": "Café streichen", "spans": [{"start": 0, "end": 4}]}
    assert description["where"] == "description"
    assert description["excerpt"].startswith("…x x")
    assert description["excerpt"].endswith("y y…")
    assert "mit BLAUER Farbe" in description["excerpt"]
    assert marked(description) == ["BLAU", "blau"]
    assert (comment["where"], comment["comment_id"], marked(comment)) == ("comment", newest.pk, ["Tür"])


def marked(match: dict[str, Any]) -> list[str]:
    return [match["excerpt"][span["start"] : span["end"]] for span in match["spans"]]


def test_titles_come_first_then_what_was_changed_last(world: World) -> None:
    old = world.new_task("Fence", description="Paint")
    said = world.new_task("Gate")
    titled = world.new_task("Paint the fence")
    comment_on(said, "paint like the fence")
    last = world.new_task("Door", description="paint it like the\nfence")
    old.status = "review"
    old.save()
    assert found(world, "fence paint") == [titled.pk, old.pk, last.pk, said.pk]
    assert found(world, f"#{said.pk}") == [said.pk]


def test_only_what_one_may_read_is_found_and_archived_tasks_are_marked(world: World) -> None:
    def of(role: str) -> list[int]:
        return found(world, "secret", role)

    task = world.new_task("Plan", status="completed")
    comment = comment_on(task, "A secret")
    gone = world.new_task("Secret that is deleted")
    gone.delete()
    assert (of("owner"), of("member"), of("viewer"), of("outsider")) == ([task.pk], [task.pk], [task.pk], [])
    api = world.api("owner")
    assert api.post(f"/api/tasks/{task.pk}/archive/").status_code == 204
    [hit] = search(world, "secret")["results"]
    assert "archived_at" in hit["task"]
    assert api.post(f"/api/tasks/{task.pk}/restore/").status_code == 200
    assert api.delete(f"/api/comments/{comment.pk}/").status_code == 204
    assert of("owner") == []
    assert api.post(f"/api/comments/{comment.pk}/restore/").status_code == 200
    assert of("owner") == [task.pk]
    assert api.delete(world.path("projects/<id:project_id>/members/<user:user_id>/")).status_code == 204
    assert of("viewer") == []
    assert api.delete(world.path("projects/<id:project_id>/")).status_code == 204
    assert of("owner") == []


def test_all_projects_of_the_user_are_searched_and_no_others(world: World) -> None:
    made = actions.perform(world.people["outsider"], commands.ProjectCreate(name="Gemini"))
    assert isinstance(made, commands.ProjectAnswer)
    other = Task.objects.create(project_id=made.project_id, title="First of another")
    comment_on(other, "hello")
    assert found(world, "first") == [world.task.pk]
    assert found(world, "hello", "outsider") == [other.pk]
    Project.objects.get(pk=made.project_id).memberships.create(user=world.people["viewer"], role="viewer")
    assert found(world, "first") == [other.pk, world.task.pk]
    assert found(world, "first hello") == [other.pk, world.task.pk]


def test_results_are_paged_and_bounded(world: World, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    tasks = [world.new_task(f"Paint {number}").pk for number in range(4)]
    monkeypatch.setattr(searching, "MOST", 3)
    page = search(world, "paint", page_size=2)
    assert (page["count"], page["previous"]) == (3, None)
    assert [hit["task"]["id"] for hit in page["results"]] == tasks[:1:-1]
    api = world.api("viewer")
    [last] = api.get(page["next"]).json()["results"]
    assert last["task"]["id"] == tasks[1]
    assert api.get("/api/search/?q=paint&page=2").status_code == 404
    assert api.get("/api/search/").json() == {"count": 0, "next": None, "previous": None, "results": []}
    for wrong in ("q=" + "x" * 201, "q=a%00b", "q=a&page_size=51", "q=a&page=0"):
        assert api.get(f"/api/search/?{wrong}").status_code == 400, wrong
    # Ten times as much as another read.
    settings.HTTP_READ_LIMIT = "100/1h"
    statuses = [world.api("owner").get("/api/search/?q=paint").status_code for _ in range(30)]
    assert 10 <= statuses.count(200) <= 12
    assert set(statuses) == {200, 429}


# --- What searches compare is kept ----------------------------------------------------------


def assert_kept() -> None:
    for task in Task.all_objects.all():
        assert (task.folded, task.folded_version) == (fold(f"{task.title}\n{task.description}"), task.version)
    for comment in Comment.objects.all():
        assert (comment.folded, comment.folded_at) == (fold(comment.content), comment.updated_at)


def test_every_write_keeps_what_searches_compare(world: World) -> None:
    task, comment = world.task, world.comment
    stale = Task.objects.get(pk=task.pk)
    Task.objects.filter(pk=task.pk).update(title="Änderung")
    stale.description = "Größe"
    stale.save(update_fields=["description"])
    assert_kept()
    Task.objects.filter(pk=task.pk).update(description=Concat("title", Value("É")))
    partly = Task.objects.defer("title").get(pk=task.pk)
    Task.objects.bulk_create([Task(project=world.project, title=f"Ñ {number}") for number in range(2)])
    Task.objects.filter(pk=task.pk).update(title="Ö")
    partly.save()
    Comment.objects.filter(pk=comment.pk).update(content="Ü")
    Comment.objects.bulk_create([Comment(task=task, content=f"É {number}") for number in range(2)])
    comment.save(update_fields=["updated_at"])
    comment.content = "Å"
    comment.save()
    assert_kept()
    assert found(world, "o anderunge e") == found(world, "a o") == [task.pk]
    assert found(world, "größe") == []


def test_what_an_expression_made_is_found(world: World) -> None:
    task = Task.objects.create(project=world.project, title=Concat(Value("Pai"), Value("nt")))
    comment_on(task, Concat(Value("Fen"), Value("ce")))  # type: ignore[arg-type]
    assert found(world, "paint fence") == [task.pk]


def test_a_change_of_something_else_leaves_the_folded_texts_alone(world: World) -> None:
    QuerySet.update(Task.all_objects.filter(pk=world.task.pk), folded="kept")
    world.task.status = "review"
    world.task.save()
    assert Task.objects.get(pk=world.task.pk).folded == "kept"


@pytest.mark.parametrize("folded", [None, "edited away"])
def test_what_an_earlier_release_wrote_is_found_by_what_it_says(world: World, folded: str | None) -> None:
    """It writes no such column. The next change makes up for it."""
    task, comment = Task.all_objects.filter(pk=world.task.pk), Comment.objects.filter(pk=world.comment.pk)
    QuerySet.update(task, folded=folded, title="Paint", version=F("version") + 1)
    QuerySet.update(comment, folded=folded, content="Fence", updated_at=Now())
    assert found(world, "paint FENCE") == [world.task.pk]
    assert found(world, "edited") == []
    task.update(status="review")
    comment.update(author=None)
    assert_kept()


def test_what_was_written_before_is_found_alike_after_the_migration(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("taskrealtime.migrations.0015_folded_texts")
    monkeypatch.setattr(migration, "CHUNK", 2)
    for number in range(3):
        world.new_task(f"É {number}")
        world.new_comment(f"É {number}")
    QuerySet.update(Task.all_objects.all(), folded=None, folded_version=None)
    QuerySet.update(Comment.objects.all(), folded=None, folded_at=None)
    migration.fold_tasks(apps, SimpleNamespace(connection=connection))
    migration.fold_comments(apps, SimpleNamespace(connection=connection))
    assert_kept()


# --- Excerpts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, words, shown",
    [
        ("Straße", ["ss"], "Stra[ß]e"),
        ("ﬁne ﬁne", ["in"], "[ﬁn]e [ﬁn]e"),
        ("cafe\u0301s", ["cafe"], "[cafe\u0301]s"),
        ("abab", ["ab"], "[abab]"),
        ("abc", ["ab", "bc"], "[abc]"),
        ("😀 Ünal", ["unal"], "😀 [Ünal]"),
        ("a\n\tb", ["b"], "a  [b]"),
        ("x" * 300 + " word " + "y" * 300, ["word"], "…" + "x" * 39 + " [word] " + "y" * 115 + "…"),
        ("long " * 60 + "word" + " long" * 60, ["word"], "…" + "long " * 7 + "[word]" + " long" * 24 + "…"),
        ("none", ["word"], None),
    ],
)
def test_an_excerpt_marks_whole_characters_of_the_text(text: str, words: list[str], shown: str | None) -> None:
    made = excerpt(text, words)
    assert (made and with_brackets(made)) == shown


def with_brackets(made: Excerpt) -> str:
    text = made.text
    for start, stop in reversed(made.spans):
        text = f"{text[:start]}[{text[start:stop]}]{text[stop:]}"
    return text
