"""Addresses that do not exist, answered as everything else under `/api/`."""

from rest_framework.request import Request

from taskrealtime.engine.wire.errors import NotFound

from .base import ApiView


class NowhereView(ApiView):
    """Every address without an endpoint."""

    schema = None

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Called first, whatever the method.

        Raises:
            NotFound: always.
        """
        raise NotFound("There is nothing at this address. Addresses end with a slash, ids are numbers.")
