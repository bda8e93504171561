"""Code that another process runs while a test continues."""

import itertools
import threading
from typing import Any

from tests.services.process import scratch
from tests.support.observing import wait_until
from tests.support.stacks import Stack, Worker

_numbers = itertools.count(1)
#: What the code is given: `begun()` says that the block may start, `over()` whether it has ended.
_SIGNALS = """
import pathlib, time
begun, over = pathlib.Path(begun_path).touch, pathlib.Path(over_path).exists
"""
#: Holds a task's row in an open transaction.
LOCK = """
from django.db import transaction
with transaction.atomic():
    Task.objects.filter(id=task).update(description="held")
    begun()
    while not over(): time.sleep(0.01)
"""
#: Makes tasks, one after another.
POUR = """
import itertools
for n in itertools.count():
    if over(): break
    Task.objects.create(project_id=project, title=f"pour{n}")
    begun()
    time.sleep(0.02)
"""


class Meanwhile:
    """Run code in a Django process of its own during a block; the code calls `begun()`, and ends once `over()`."""

    def __init__(self, stack: Stack, code: str, **values: Any) -> None:
        place = scratch() / f"meanwhile-{next(_numbers)}"
        self._begun, self._over = place.with_suffix(".begun"), place.with_suffix(".over")
        self._worker = Worker(f"{stack.name}-{place.name}", stack.env)
        self._code = _SIGNALS + code
        self._values = values | {"begun_path": str(self._begun), "over_path": str(self._over)}
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._worker.run(self._code, self._values)
        except BaseException as failure:
            self._failure = failure

    def __enter__(self) -> None:
        self._thread.start()
        wait_until(lambda: self._begun.exists() or not self._thread.is_alive())

    def __exit__(self, *_: object) -> None:
        self._over.touch()
        self._thread.join()
        self._worker.close()
        if self._failure is not None:
            raise self._failure
