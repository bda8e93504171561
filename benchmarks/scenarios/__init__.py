"""What is measured, a file each.

A scenario has a `TITLE`, `measure(cores, effort)`, which returns what is kept as JSON, and `tell(result)`, which makes
the report's text of that.
"""

from types import ModuleType

from . import (
    accepting,
    backlog,
    board,
    captured,
    fanout,
    flooding,
    idle,
    listeners,
    opening,
    processes,
    rooms,
    saves,
    writers,
)

SCENARIOS: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        fanout,
        backlog,
        listeners,
        rooms,
        saves,
        captured,
        writers,
        accepting,
        idle,
        processes,
        flooding,
        board,
        opening,
    )
}
