"""Answers questions to a database together: those that come while one is being asked share the next.

A lone question is asked at once. When thousands of clients come back in the same moment, hundreds of their
questions cost about what one does, and no more than one batch of each kind is at the database. Users and addresses take
turns at the places of a batch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from .threads import in_database_thread

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

#: Questions of one batch: as many as are answered within a few hundredths of a second.
MAX_BATCH = 100


class Batcher(Generic[QuestionT, AnswerT]):
    """Collects questions of one kind."""

    def __init__(
        self,
        answer_all: Callable[[Sequence[QuestionT]], Sequence[AnswerT | Exception]],
        *,
        run: Callable[..., Awaitable[Sequence[AnswerT | Exception]]] = in_database_thread,
    ) -> None:
        """Create a batcher for the running event loop.

        Args:
            answer_all: returns for each question its answer, or the error that it raises.
            run: calls it in a thread.
        """
        self._answer_all = answer_all
        self._run = run
        #: By share, the one whose turn is next first.
        self._waiting: dict[str, deque[tuple[QuestionT, asyncio.Future[AnswerT]]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, question: QuestionT, *, share: str = "") -> AnswerT:
        """Return the answer to one question.

        Args:
            share: the user or the address that it is asked for.

        Raises:
            Exception: the error returned for it, or the one that asking for the whole batch raised.
        """
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(share, deque()).append((question, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_batches())
        return await answer

    async def _ask_batches(self) -> None:
        try:
            while batch := self._next_batch():
                await self._ask_batch(batch)
        finally:
            self._asking = None

    def _next_batch(self) -> list[tuple[QuestionT, asyncio.Future[AnswerT]]]:
        batch: list[tuple[QuestionT, asyncio.Future[AnswerT]]] = []
        while self._waiting and len(batch) < MAX_BATCH:
            share, questions = next(iter(self._waiting.items()))
            question, answer = questions.popleft()
            del self._waiting[share]
            if questions:
                self._waiting[share] = questions  # at the end
            if not answer.done():  # The caller may have been cancelled.
                batch.append((question, answer))
        return batch

    async def _ask_batch(self, batch: list[tuple[QuestionT, asyncio.Future[AnswerT]]]) -> None:
        answers: Sequence[AnswerT | Exception]
        try:
            answers = await self._run(self._answer_all, [question for question, _ in batch])
        except Exception as error:
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
