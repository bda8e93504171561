"""How static files are named and compressed once they are collected, and how they are served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from io import BufferedIOBase
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from servestatic.middleware import AsyncServeStaticFileResponse, EmptyAsyncIterator, ServeStaticMiddleware
from servestatic.responders import Redirect, StaticFile
from servestatic.storage import CompressedManifestStaticFilesStorage

#: Where in a request's scope the files are that follow its answer.
HANDED_OVER = "project.static.files"
#: Requests for static files that are in Django at a time, each with a thread.
STATIC_AT_ONCE = 8
#: Bytes of a file that are read at a time: all that one answer holds of it, besides what the server has taken.
PIECE_BYTES = 16 * 1024


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash of the content, also in the `import … from "./module.js"` of our ES modules.

    Before `collectstatic` has run there are no such names: then the files are served as they lie in the checkout, so
    that `daphne project.asgi:application` alone serves a working page.
    """

    # Off in Django by default; without it a module would import its neighbours under names that caches hold on to.
    support_js_module_import_aggregation = True
    # In the worst order of files a pass settles one step of a chain of imports; ours are seven modules long, and Django
    # gives up after five passes.
    max_post_process_passes = 20

    def stored_name(self, name: str) -> str:
        """The hashed name of a collected file; its own name where nothing was collected."""
        return super().stored_name(name) if self.hashed_files else name


class StaticFiles(ServeStaticMiddleware):
    """ServeStatic's middleware, which leaves the files to `StaticHandler`.

    By itself it keeps a thread for each file until the client has read it, and so does Django for each request: anyone
    could have thousands.
    """

    @staticmethod
    async def aserve(static_file: StaticFile | Redirect, request: HttpRequest) -> AsyncServeStaticFileResponse:
        """Return the answer, whose content follows when Django is done with it."""
        # Asked as for a server that sends files by itself: then they are plain files, with the range that is wanted.
        found = await static_file.aget_response(request.method or "GET", request.META, zerocopysend=True)
        content: _Pieces | EmptyAsyncIterator = EmptyAsyncIterator()
        if found.file is not None:
            pieces = _Pieces(found.file, found.offset or 0, found.count)
            # Tests of Django's have no such scope.
            handed_over = getattr(request, "scope", {}).get(HANDED_OVER)
            if handed_over is None:
                content = pieces
            else:
                handed_over.append(pieces)
        answer = AsyncServeStaticFileResponse(content, status=int(found.status))
        del answer["Content-Type"]
        for name, value in found.headers:
            if value is not None:
                answer[name] = value
        return answer


class StaticHandler(ASGIHandler):
    """Django's, which sends static files once Django is done: none of its threads waits for their readers.

    Requests for them wait for nothing else (`integrate_with_existing_app`), so a few at a time are in Django.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turns = asyncio.Semaphore(STATIC_AT_ONCE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        # In this very scope, and in no copy: what views leave in it is read by what is in front.
        files: list[_Pieces] = []
        scope[HANDED_OVER] = files

        async def send_more(message: Any) -> None:
            is_body = message["type"] == "http.response.body"
            await send(message | {"more_body": True} if is_body and files else message)

        try:
            async with self._turns if scope["path"].startswith(settings.STATIC_URL) else nullcontext():
                await super().__call__(scope, receive, send_more)
            for file in files:
                async for piece in file:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        finally:
            for file in files:
                file.close()


class _Pieces:
    """A part of a file, piece by piece."""

    def __init__(self, file: BufferedIOBase, offset: int, count: int | None) -> None:
        self._file = file
        self._file.seek(offset)
        self._left = count

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await asyncio.to_thread(self._file.read, self._next_size()):
            if self._left is not None:
                self._left -= len(piece)
            yield piece

    def _next_size(self) -> int:
        return PIECE_BYTES if self._left is None else min(PIECE_BYTES, self._left)

    def close(self) -> None:
        """Close the file; Django calls it for the content of an answer."""
        self._file.close()
