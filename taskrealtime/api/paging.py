"""Long lists, a page at a time: `{count, next, previous, results}`."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import QuerySet
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from taskrealtime.engine.wire.errors import NotFound

from .base import given_parameters

RowT = TypeVar("RowT")


class PageQuery(msgspec.Struct, kw_only=True):
    """Which page of a list."""

    page: Annotated[int, Meta(ge=1, le=2**31, description="Which page, from 1 on.")] = 1
    page_size: Annotated[int, Meta(ge=1, le=200, description="How many a page holds.")] = 50


def answer_page(
    request: Request,
    query: PageQuery,
    rows: QuerySet[Any],
    show: Callable[[Any], Any],
    *,
    prepare: Callable[[list[Any]], None] = lambda found: None,
) -> Response:
    """One page of `rows`, which must have an order, each as `show` makes it once `prepare` has seen all of them.

    Raises:
        NotFound: the list ends before that page.
    """
    page = link_pages(request, query, count=rows.count())
    start = (query.page - 1) * query.page_size
    found = list(rows[start : start + query.page_size])
    prepare(found)
    return Response({**page, "results": [show(row) for row in found]})


def link_pages(request: Request, query: PageQuery, *, count: int) -> dict[str, Any]:
    """Return a page without its results: `count`, and the links to the pages beside it.

    Raises:
        NotFound: the list ends before that page.
    """
    last = max(1, -(-count // query.page_size))
    if query.page > last:
        raise NotFound(f"There is no page {query.page}, only {last}.")
    return {
        "count": count,
        "next": _link(request, query, query.page + 1) if query.page < last else None,
        "previous": _link(request, query, query.page - 1) if query.page > 1 else None,
    }


def _link(request: Request, query: PageQuery, page: int) -> str:
    """Another page of the same list. Only declared parameters come along: whatever else was in the URL does not."""
    parameters = {**given_parameters(request, type(query)), "page": page}
    return request.build_absolute_uri(f"{request.path}?{urlencode(parameters)}")
