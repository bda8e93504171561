"""Comments: list, add, change, delete."""

from contextlib import suppress

from django.db import DatabaseError
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access
from taskrealtime.contract import commands
from taskrealtime.engine.conf.user_model import User
from taskrealtime.engine.wire.errors import Conflict, Forbidden, NotFound
from taskrealtime.models import Comment
from taskrealtime.serializers.objects import comment_object

from .answers import CommentDetail, CommentPage
from .base import ApiView, PutIsPatch, carry_out, created, deleted, read_body, read_query, user_of
from .openapi import body_of, documented
from .paging import PageQuery, answer_page


class TaskCommentsView(ApiView):
    """`/api/tasks/<id>/comments/`."""

    @documented("comment_list", query=PageQuery, answer=CommentPage, errors=[NotFound])
    def get(self, request: Request, task_id: int) -> Response:
        """The comments on a task, oldest first."""
        if not access.readable_tasks(user_of(request)).filter(pk=task_id).exists():
            raise NotFound("No such task.")
        comments = access.visible_comments(user_of(request)).filter(task_id=task_id).select_related("task", "author")
        query = read_query(request, PageQuery)
        return answer_page(request, query, comments.order_by("id").defer("folded"), comment_object, prepare=_keep_html)

    @documented(
        "comment_add",
        body=body_of(commands.NewComment, "task_id"),
        answer=CommentDetail,
        status=201,
        changes=True,
        errors=[NotFound, Forbidden],
    )
    def post(self, request: Request, task_id: int) -> Response:
        """Comment on a task."""
        return created(_change(request, read_body(request, commands.NewComment, task_id=task_id)))


class CommentView(PutIsPatch):
    """`/api/comments/<id>/`."""

    @documented(
        "comment_change",
        body=body_of(commands.CommentUpdate, "comment_id"),
        answer=CommentDetail,
        changes=True,
        errors=[NotFound, Forbidden, Conflict],
    )
    def patch(self, request: Request, comment_id: int) -> Response:
        """Change a comment of the caller's own."""
        return Response(_change(request, read_body(request, commands.CommentUpdate, comment_id=comment_id)))

    @documented("comment_delete", status=204, changes=True, errors=[NotFound, Forbidden])
    def delete(self, request: Request, comment_id: int) -> Response:
        """Delete a comment of the caller's own, or as an owner any comment."""
        carry_out(request, commands.CommentDelete(comment_id=comment_id))
        return deleted()


def _change(request: Request, command: commands.Command) -> CommentDetail | commands.Answer:
    """Carry out the command; the comment as it is now, or the bare answer if it is gone again."""
    return show_comment_of(user_of(request), carry_out(request, command))


def show_comment_of(user: User, answer: commands.Answer) -> CommentDetail | commands.Answer:
    """Return the comment that an answer names, as it is now for this user; the bare answer if it is gone again."""
    assert isinstance(answer, commands.CommentAnswer)
    comments = access.visible_comments(user).select_related("task", "author")
    comment = comments.filter(pk=answer.comment_id).first()
    if comment is None:
        return answer
    return CommentDetail(**asdict(comment_object(comment)), duplicate=answer.duplicate)


def _keep_html(comments: list[Comment]) -> None:
    """Store what had to be rendered, so that it is the last time. The page is right without that, too."""
    with suppress(DatabaseError):
        Comment.objects.keep_html(comments)
