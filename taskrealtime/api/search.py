"""Search: tasks over all projects, by words in their titles, descriptions and comments."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime import access, searching
from taskrealtime.contract.events import ProjectName
from taskrealtime.engine.wire.errors import NotFound
from taskrealtime.models import Task

from .answers import FoundTask, Match, SearchHit, SearchPage, Span
from .base import ApiView, read_query, user_of
from .openapi import documented
from .paging import PageQuery, link_pages


class SearchQuery(PageQuery, kw_only=True):
    """What to look for."""

    q: Annotated[
        str,
        Meta(
            max_length=200,
            description="Only tasks with each of these words in title, description or comments, or as `#` and the "
            "number. Without any, none.",
        ),
    ] = ""
    page_size: Annotated[int, Meta(ge=1, le=50, description="How many a page holds.")] = 20


class SearchView(ApiView):
    """`/api/search/`."""

    #: Every search reads all texts of the caller's projects.
    read_cost = 10

    @documented("search", query=SearchQuery, answer=SearchPage, errors=[NotFound])
    def get(self, request: Request) -> Response:
        """The tasks with each of the words, of all projects that the caller is in, also archived ones.

        Those that have all words in their title come first, then those changed last; the first thousand. Case, accents
        and ligatures make no difference.
        """
        query, user = read_query(request, SearchQuery), user_of(request)
        words = searching.words_in(query.q)
        found = searching.find_tasks(user, words)
        page = link_pages(request, query, count=len(found))
        start = (query.page - 1) * query.page_size
        order = found[start : start + query.page_size]
        # Once more by what the caller may read: as it is now.
        tasks = access.readable_tasks(user).filter(pk__in=order).select_related("project").defer("folded").in_bulk()
        shown = [tasks[pk] for pk in order if pk in tasks]
        places = searching.locate(shown, words)
        return Response(SearchPage(**page, results=[_show(task, places[task.pk]) for task in shown]))


def _show(task: Task, found: searching.Found) -> SearchHit:
    matches = [_show_match("title", found.title)] if found.title else []
    matches += [_show_match("description", found.description)] if found.description else []
    matches += [_show_match("comment", cut, comment_id=pk) for pk, cut in found.comments]
    return SearchHit(
        project=ProjectName(id=task.project_id, name=task.project.name),
        task=FoundTask(
            id=task.pk,
            title=task.title,
            status=task.status,  # type: ignore[arg-type]
            updated_at=task.updated_at,
            archived_at=task.archived_at or UNSET,
        ),
        matches=matches,
    )


def _show_match(
    where: Literal["title", "description", "comment"], cut: searching.Excerpt, comment_id: int | UnsetType = UNSET
) -> Match:
    spans = [Span(start, end) for start, end in cut.spans]
    return Match(where=where, comment_id=comment_id, excerpt=cut.text, spans=spans)
