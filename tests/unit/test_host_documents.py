"""A project's own description of its API has its endpoints and none of ours, whatever makes it."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator as Spectacular
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from rest_framework.response import Response
from rest_framework.schemas.openapi import AutoSchema, SchemaGenerator
from rest_framework.views import APIView

from taskrealtime.api.documents import openapi

BOARD = path("board/", include("taskrealtime.urls"))


class Tickets(APIView):
    permission_classes = ()

    def get(self, request: HttpRequest) -> Response:
        """The project's."""
        return Response([])


def patterns(schema: Any) -> list[Any]:
    view: Any = type("Tickets", (Tickets,), {"schema": schema})
    return [path("tickets/", view.as_view()), BOARD]


@pytest.mark.parametrize("maker", ["the framework", "drf-spectacular"])
def test_it_has_the_projects_endpoints_alone(maker: str) -> None:
    if maker == "the framework":
        document = SchemaGenerator(title="Helpdesk", patterns=patterns(AutoSchema())).get_schema()
    else:
        document = Spectacular(patterns=patterns(SpectacularSchema())).get_schema(request=None, public=True)
    assert list(document["paths"]) == ["/tickets/"]
    assert len(openapi()["paths"]) > 30, "ours has them"
