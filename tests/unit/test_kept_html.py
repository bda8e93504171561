"""The HTML of a comment is made when it is written and kept beside it: reading renders nothing."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat

from taskrealtime.models import Comment, markdown, tasks
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are rendered from now on."""
    texts: list[str] = []

    def render(text: str) -> str:
        texts.append(text)
        return markdown.render(text)

    monkeypatch.setattr(tasks, "render", render)
    return texts


def read(world: World) -> list[dict[str, Any]]:
    answer = world.api("viewer").get(f"/api/tasks/{world.task.pk}/comments/?page_size=200")
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def assert_right(world: World) -> None:
    assert [comment["content_html"] for comment in read(world)] == [
        markdown.render(comment.content) for comment in Comment.objects.filter(task=world.task).order_by("id")
    ]


def test_a_page_of_comments_costs_no_rendering(world: World, rendered: list[str]) -> None:
    Comment.objects.bulk_create(Comment(task=world.task, content=f"**{number}**") for number in range(199))
    assert len(rendered) == 199
    rendered.clear()
    assert_right(world)
    assert rendered == []


@pytest.mark.parametrize("way", ["save", "update_fields", "update", "expression", "bulk_update"])
def test_however_a_comment_is_written_its_html_is_that_of_its_text(world: World, rendered: list[str], way: str) -> None:
    comment = Comment.objects.get(pk=world.comment.pk)
    comment.content = "*new*"
    match way:
        case "save":
            comment.save()
        case "update_fields":
            comment.save(update_fields=["content"])
        case "update":
            Comment.objects.filter(pk=comment.pk).update(content="*new*")
        case "expression":
            Comment.objects.filter(pk=comment.pk).update(content=Concat(Value("*"), Value("new*")))
        case "bulk_update":
            Comment.objects.bulk_update([comment], ["content"])
    [shown] = read(world)
    assert shown["content_html"] == "<p><em>new</em></p>\n"
    stored = Comment.objects.get(pk=comment.pk)
    assert (stored.content_html, stored.has_html) == (shown["content_html"], True)


def test_a_new_comment_made_by_an_expression_is_shown_rightly(world: World) -> None:
    Comment.objects.create(task=world.task, content=Concat(Value("*"), Value("new*")))
    assert_right(world)


def past_us(comment: Comment, assignments: str) -> None:
    """Write the row as a process of another release does."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE taskrealtime_comment SET {assignments} WHERE id = %s", [comment.pk])


@pytest.mark.parametrize(
    "assignments",
    ["html_key = NULL, content_html = NULL", "content = '*by another*'", "html_key = 'of another renderer'"],
)
def test_a_row_of_another_release_is_shown_rightly_and_rendered_once(
    world: World, rendered: list[str], assignments: str
) -> None:
    past_us(world.comment, assignments)
    assert_right(world)
    assert len(rendered) == 1
    assert_right(world)
    assert len(rendered) == 1


def test_what_was_edited_away_or_deleted_leaves_no_html(world: World) -> None:
    world.comment.content = "other"
    world.comment.save()
    assert Comment.objects.get().content_html == "<p>other</p>\n"
    world.comment.delete()
    assert not Comment.objects.exists()
