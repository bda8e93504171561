"""What hostile requests may cost, in small; `make hostile` measures it in earnest."""

import random

from tests.faults import hostile

MIB = 1024 * 1024


def test_hostile_requests_cost_little_and_break_nothing() -> None:
    """No bound hangs on the speed of the machine: they are those of memory, of files and of the processor."""
    report = hostile.run(bodies=120, most=100 * MIB, readers=40, seed=11, HTTP_BODY_TIMEOUT="3")
    assert report.broken() == [], str(report)
    assert report.memory < 20 * MIB, str(report)
    assert report.cpu < 60, str(report)
    assert report.memory_of_readers < 20 * MIB, str(report)


def test_the_bodies_are_of_every_shape_and_framing() -> None:
    chosen = list(hostile.attacks(1000, 500 * MIB, random.Random(11)))
    assert {attack.shape for attack in chosen} == set(hostile.SHAPES)
    assert {attack.framing for attack in chosen} == {"length", "chunks", "crumbs", "extensions", "trailers"}
    assert max(attack.size for attack in chosen) > 400 * MIB
