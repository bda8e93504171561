"""Models that announce every write, with what it changed.

What changed is found by comparing with the row as locked in the transaction of the write, never with what an
instance remembers.

Saves of a `TrackedModel` and the methods of `TrackedQuerySet` send the signal `written`; what it means is for the
receivers to decide. Its sender is `TrackedModel.root()`, whichever proxy or subclass was used.
"""

from collections.abc import Callable, Collection, Iterable, Sequence, Set
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, cast

from django.apps import apps
from django.db import connections, models, router
from django.db.models.signals import class_prepared
from django.dispatch import Signal, receiver

from taskrealtime.engine import log
from taskrealtime.engine.db.prepared import prepared_cursor
from taskrealtime.engine.db.primary import PrimaryQuerySet

#: Sent inside the transaction of the write, right after the row was written, with `instance` as it is now in the
#: database and `previous`, the row as it was (None: it is new).
written = Signal()

#: Rows that one statement names by id.
CHUNK = 500


class TrackedQuerySet(PrimaryQuerySet):
    """A queryset whose bulk writes are announced row by row, as single saves are."""

    def update(self, **kwargs: Any) -> int:
        """As Django's, in one transaction; every row that really changed is announced once."""
        with log.atomic(using=self.db):
            before = {row.pk: row for row in self.model.lock_rows(self.values_list("pk", flat=True), using=self.db)}
            # Only the locked rows: one that begins to match meanwhile would change without being announced.
            count = models.QuerySet.update(self.filter(pk__in=list(before)), **kwargs)
            for row in self.model.root()._base_manager.using(self.db).filter(pk__in=list(before)).order_by("pk"):
                row.finish_write(before[row.pk], using=self.db)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, on locked rows: of two transactions that delete the same row, one does, and announces it."""
        with log.atomic(using=self.db):
            self.model.lock_rows(self.values_list("pk", flat=True), using=self.db)
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(  # type: ignore[override]
        self, objs: Iterable[Any], batch_size: int | None = None, ignore_conflicts: bool = False, **kwargs: Any
    ) -> list[Any]:
        """As Django's; every row is announced.

        Raises:
            ValueError: with `ignore_conflicts` or `update_conflicts`, since it cannot be known what they did.
        """
        if ignore_conflicts or kwargs.get("update_conflicts"):
            raise ValueError(f"{self.model.__name__} cannot tell what a bulk_create() with conflicts did.")
        objs = list(objs)
        with log.atomic(using=self.db):
            self.model.root().prepare_new(objs)
            for instance in objs:
                instance.normalise()
            super().bulk_create(objs, batch_size=batch_size, **kwargs)
            for instance in objs:
                instance.read_expressions(self.db)
                instance._announce(None, self.db)
        return objs


class _RowReader:
    """Locks and reads rows of one model over one connection.

    By hand: every save begins with this, and a queryset's way to the same statement took a fifth of the save.
    """

    def __init__(self, model: type[models.Model], connection: Any) -> None:
        fields, quote = model._meta.concrete_fields, connection.ops.quote_name
        pk, columns = quote(model._meta.pk.column), ", ".join(quote(field.column) for field in fields)
        lock = connection.ops.for_update_sql(no_key=True) if connection.features.has_select_for_update else ""
        self._model, self._connection = model, connection
        self._head = f"SELECT {columns} FROM {quote(model._meta.db_table)} WHERE {pk} IN ("  # noqa: S608 -- names only
        self._tail = f") ORDER BY {pk} {lock}"
        self._prepare = model._meta.pk.get_prep_value
        self._names = [field.attname for field in fields]
        query = model._base_manager.db_manager(connection.alias).all().query
        self._compiler = query.get_compiler(connection=connection)
        self._converters = self._compiler.get_converters([field.get_col(model._meta.db_table) for field in fields])

    def lock(self, pks: Sequence[Any]) -> list[Any]:
        """Return the rows with these ids, as instances in the order of their ids."""
        places = ", ".join(["%s"] * len(pks))
        with prepared_cursor(self._connection) as cursor:
            cursor.execute(self._head + places + self._tail, [self._prepare(one) for one in pks])
            rows = self._compiler.apply_converters(cursor.fetchall(), self._converters)
            return [self._model.from_db(self._connection.alias, self._names, row) for row in rows]


class TrackedModel(models.Model):
    """A model whose saves are announced, in the transaction of the save."""

    #: The columns (attribute names) whose changes are announced.
    TRACKED: ClassVar[tuple[str, ...]] = ()
    #: Columns as large as what they are made of: a change of anything else does not write them again.
    DERIVED: ClassVar[tuple[str, ...]] = ()
    #: Set on an instance whose write brings back what was deleted: it is announced as such, and is no news to anyone.
    is_restored = False

    class Meta:
        abstract = True

    @classmethod
    def root(cls) -> type[Self]:
        """Return the model whose table has the tracked columns: writes through others are announced as its own.

        Others are its proxies and its multi-table subclasses.
        """
        bases = [base for base in cls.__mro__ if issubclass(base, TrackedModel) and not base._meta.abstract]
        return cast("type[Self]", bases[-1])

    def save_base(self, raw: bool = False, *, using: str | None = None, **kwargs: Any) -> None:  # type: ignore[override]
        """As Django's, in a transaction; the row is announced by `written`, unless nothing changed."""
        using = using or router.db_for_write(type(self), instance=self)
        with log.atomic(using=using):
            super().save_base(raw=raw, using=using, **kwargs)

    save_base.alters_data = True  # type: ignore[attr-defined]

    def _save_table(
        self,
        raw: bool = False,
        cls: Any = None,
        force_insert: Any = False,
        force_update: bool = False,
        using: Any = None,
        update_fields: Any = None,
    ) -> bool:
        """As Django's; announces the row.

        Django has no public place for that between the handlers of `pre_save`, whose changes are stored, and those of
        `post_save`, whose writes come later and are to be announced later. `test_written_through.py` fails if this
        one is called no more.
        """
        if raw or cls is not self.root():
            return super()._save_table(raw, cls, force_insert, force_update, using, update_fields)  # type: ignore[misc]
        previous = self._previous(using)
        if previous is None:
            cls.prepare_new([self])
            self.normalise()
            updated = super()._save_table(raw, cls, force_insert, force_update, using, update_fields)  # type: ignore[misc]
            self.read_expressions(using)
            self._announce(None, using)
            return bool(updated)
        self._resolve_expressions(using)
        self.normalise()
        names = self._written_names(update_fields)
        changed = self.changed_since(previous, names)
        stamped = self.set_derived_fields(previous, changed)
        if update_fields:
            update_fields = {*update_fields, *stamped}
        elif changed and not (force_insert or force_update):  # they say themselves how to write
            update_fields = self._fields_but({*self.TRACKED, *self.DERIVED}.difference(changed, stamped))
        updated = super()._save_table(raw, cls, force_insert, force_update, using, update_fields)  # type: ignore[misc]
        if changed:
            self._as_stored(previous, {*names, *stamped}, using)._announce(previous, using)
        return bool(updated)

    # -- what a model may add --

    @classmethod
    def prepare_new(cls, instances: Sequence[Self]) -> None:
        """Fill in what new rows need; called before they are inserted, all in the order given."""

    def set_derived_fields(self, previous: Self, changed: Sequence[str]) -> list[str]:
        """Set bookkeeping columns (a version, a time) for this change; return their names.

        Called with the locked row also when nothing changed, so that a stale instance does not write old ones back.
        """
        return []

    # -- how changes are detected --

    @classmethod
    def lock_rows(cls, pks: Iterable[Any], *, using: str | None = None) -> list[Self]:
        """Return the rows with these ids, locked until the end of the transaction, in the order of their ids."""
        database = using or router.db_for_write(cls)
        wanted = sorted(pks)
        parts = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
        return [row for part in parts for row in cls._lock_part(connections[database], part)]

    @classmethod
    def _lock_part(cls, connection: Any, pks: Sequence[Any]) -> list[Self]:
        readers: dict[Any, _RowReader] = connection.__dict__.setdefault("taskrealtime_readers", {})
        root = cls.root()
        if root not in readers:
            readers[root] = _RowReader(root, connection)
        return readers[root].lock(pks)

    def changed_since(self, previous: Self, names: Iterable[str] | None = None) -> list[str]:
        """Return the tracked columns, out of `names`, in which this instance differs from `previous`."""
        candidates = self.TRACKED if names is None else names
        return [name for name in candidates if getattr(self, name) != getattr(previous, name)]

    def finish_write(self, previous: Self, *, using: str) -> None:
        """Stamp this row, which a bulk statement changed, and announce what changed, if anything did."""
        changed = self.changed_since(previous)
        if not changed:
            return
        self.write_past_tracking(self.set_derived_fields(previous, changed), using=using)
        self._announce(previous, using)

    def write_past_tracking(self, names: Collection[str], *, using: str) -> None:
        """Write bookkeeping columns of this row, without any signal."""
        if names:
            rows = self.root()._base_manager.using(using).filter(pk=self._root_pk)
            models.QuerySet.update(rows, **{name: getattr(self, name) for name in names})

    @property
    def _root_pk(self) -> Any:
        """The id in the table of `root`: a new row of a multi-table subclass gets its own only later."""
        return getattr(self, self.root()._meta.pk.attname)

    def _announce(self, previous: Self | None, using: str) -> None:
        root = self.root()
        instance = self if self._meta.concrete_model is root else self._as_root(using)
        written.send(sender=root, instance=instance, previous=previous)

    def _as_root(self, using: str) -> Self:
        names = [field.attname for field in self.root()._meta.concrete_fields if field.attname in self.__dict__]
        row = self.root().from_db(using, names, [getattr(self, name) for name in names])
        row._state.fields_cache = self._state.fields_cache
        row.is_restored = self.is_restored
        return row

    def _as_stored(self, previous: Self, names: Set[str], using: str) -> Self:
        """Return the row after a save that wrote `names`: this instance may hold old values of the other columns."""
        if names >= set(self.TRACKED):
            return self
        stored = self._as_root(using)
        for name in self.TRACKED:
            if name not in names:
                setattr(stored, name, getattr(previous, name))
        return stored

    def _previous(self, using: str) -> Self | None:
        pk = self._root_pk
        return next(iter(self.lock_rows([pk], using=using)), None) if pk is not None else None

    def normalise(self) -> None:
        """Give the tracked columns the values that the database will return: what is announced is what is stored."""
        for name in self._loaded_names() - self._expressions().keys():
            field = cast("models.Field[Any, Any]", self._meta.get_field(_field_name(name)))
            value = field.to_python(getattr(self, name))
            setattr(self, name, value.astimezone(UTC) if isinstance(value, datetime) else value)

    def read_expressions(self, using: str) -> None:
        """Replace `Now()` and the like, which a new row was written with, by the values that they gave."""
        if expressions := self._expressions():
            rows = self.root()._base_manager.using(using).filter(pk=self._root_pk)
            for name, value in rows.values(*expressions).get().items():
                setattr(self, name, value)

    def _loaded_names(self) -> set[str]:
        return set(self.TRACKED) - self.get_deferred_fields()

    def _fields_but(self, unchanged: set[str]) -> list[str]:
        """Return the fields to write: without unchanged ones, the statement is a third as long."""
        left_out = unchanged | self.get_deferred_fields()
        fields = self.root()._meta.concrete_fields
        return [field.name for field in fields if not (field.primary_key or field.attname in left_out)]

    def _written_names(self, update_fields: Collection[str] | None) -> list[str]:
        """Return the tracked columns that a save writes."""
        loaded = self._loaded_names()
        written = loaded if update_fields is None else {n for n in loaded if {n, _field_name(n)} & set(update_fields)}
        return [name for name in self.TRACKED if name in written]

    def _expressions(self) -> dict[str, Any]:
        """Return the columns that were given an expression for a value."""
        fields = self.root()._meta.concrete_fields
        values = {field.attname: self.__dict__.get(field.attname) for field in fields}
        return {name: value for name, value in values.items() if hasattr(value, "resolve_expression")}

    def _resolve_expressions(self, using: str) -> None:
        """Replace `F()` and the like by their values, computed on the locked row."""
        if expressions := self._expressions():
            rows = self.root()._base_manager.using(using).filter(pk=self._root_pk)
            aliases = {f"new_{name}": expression for name, expression in expressions.items()}
            values = rows.annotate(**aliases).values(*aliases).get()
            for name in expressions:
                setattr(self, name, values[f"new_{name}"])


# --- Proxies and multi-table subclasses -----------------------------------------------------


def receive(
    signal: Signal, model: type[models.Model], *, subclasses: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Connect a handler of one of Django's model signals for a model and its proxies, which have senders of their own.

    Args:
        subclasses: also for multi-table subclasses. A save of one sends its own signal alone; a deletion sends that of
            the model, too.
    """

    def connect(handler: Callable[..., None]) -> Callable[..., None]:
        def consider(sender: type[models.Model], **kwargs: Any) -> None:
            is_same_table = sender._meta.concrete_model is model._meta.concrete_model
            if issubclass(sender, model) and (is_same_table or subclasses):
                signal.connect(handler, sender=sender)

        for known in apps.get_models():
            consider(known)
        class_prepared.connect(consider, weak=False)
        return handler

    return connect


@receiver(class_prepared)
def track_managers(sender: type[models.Model], **kwargs: Any) -> None:
    """Have the managers of a proxy or a subclass announce what they write, without any effort of its author.

    By Django's private `_queryset_class`: no public attribute names the queryset that a manager makes.
    """
    if not issubclass(sender, TrackedModel) or sender._meta.abstract or sender.root() is sender:
        return
    tracked = type(sender.root()._default_manager.all())
    managers: list[Any] = [*sender._meta.local_managers, *sender._meta.managers]
    for manager in managers:
        given = manager._queryset_class
        if issubclass(tracked, given):
            manager._queryset_class = tracked
        elif not issubclass(given, TrackedQuerySet):
            manager._queryset_class = type(given.__name__, (given, tracked), {})


def _field_name(attribute: str) -> str:
    return attribute.removesuffix("_id")
