"""`live`: how a project declares its models."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload

from django.apps import apps
from django.db.models import Model

from .registry import Declaration, MayRead, Readers, registry

ModelT = TypeVar("ModelT", bound=type[Model])
ReadersT = TypeVar("ReadersT", bound=Readers)


class Live:
    """Declares models live, and who reads their rooms."""

    @overload
    def __call__(self, model: ModelT, *, room: str | None, fields: Sequence[str], **options: Any) -> ModelT: ...

    @overload
    def __call__(
        self, model: None = None, *, room: str | None, fields: Sequence[str], **options: Any
    ) -> Callable[[ModelT], ModelT]: ...

    def __call__(self, model: Any = None, *, room: str | None, fields: Sequence[str], **options: Any) -> Any:
        """Make every change of a model's rows an event, whatever program writes them.

            @live(room="queue", fields=["title", "status"])
            class Ticket(models.Model): ...

        Args:
            model: the model; left out, this is a decorator.
            room: the foreign key to the row whose room it is (`"ticket.queue"`: over two keys); None: each row has
                a room of its own.
            fields: what the events show.
            may_read: given a user and the row whose room it is, returns whether the user may read.
            members: a model with one foreign key to the rooms' model and one to the user model: who has a row there
                may read, and the deletion of the row ends that in the order of the events.
            when: given a row, returns whether it is shown at all.
            render: given a row, returns what is shown instead of the fields.
            subject: a foreign key to the row whose content this is: when that is deleted, the log blanks the events.
        """
        if model is None:
            return lambda decorated: self(decorated, room=room, fields=fields, **options)
        self._declare(model, room, fields, **options)
        return model

    def _declare(
        self,
        model: type[Model],
        room: str | None,
        fields: Sequence[str],
        *,
        may_read: MayRead | None = None,
        members: type[Model] | None = None,
        when: Callable[[Any], bool] | None = None,
        render: Callable[[Any], dict[str, Any]] | None = None,
        subject: str | None = None,
    ) -> None:
        declaration = Declaration(model, room, tuple(fields), when, render, subject)
        registry.declare(declaration, may_read=may_read, members=members)
        self._install()

    def readers(self, owner: type[Model]) -> Callable[[ReadersT], ReadersT]:
        """Declare who may read the rooms of a model: a function that is asked for many at once.

        @live.readers(Queue)
        def readers(queues, users):
            return QueueMembership.objects.filter(queue__in=queues, user__in=users).values_list("queue", "user")
        """

        def declare(readers: ReadersT) -> ReadersT:
            registry.declare_readers(owner, readers)
            self._install()
            return readers

        return declare

    # Imported when they are called: `live` is declared beside models, before Django has any of ours.

    def tell(self, room: str | Model, event: str, data: dict[str, Any]) -> None:
        """Append an event of the project's own to a live room; see `telling.tell`."""
        from . import telling

        telling.tell(room, event, data)

    def silently(self, *models: type[Model]) -> AbstractContextManager[None]:
        """Capture nothing inside, and reset the rooms at the end; see `telling.silently`."""
        from . import telling

        return telling.silently(*models)

    def captured(self) -> AbstractContextManager[list[dict[str, Any]]]:
        """Collect the events that are appended inside, also in a `TestCase`; see `telling.captured`."""
        from . import telling

        return telling.captured()

    def acting_as(self, user: Any) -> AbstractContextManager[None]:
        """Have events name `user` as the one who did what is written inside; see `writing.acting_as`."""
        from . import writing

        return writing.acting_as(user)

    def _install(self) -> None:
        # Earlier, `LiveConfig.ready` does it.
        if apps.ready:
            from . import kinds

            kinds.install()


live = Live()
