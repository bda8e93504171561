"""`python -m tests.faults [--seconds N] [--seed N] [--kind deployed|embedded] [--crowd N]`: a run, and its report."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests import services
from tests.services import guard


def main() -> int:
    """Run, report; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Kills things and looks what got lost.")
    parser.add_argument("--seconds", type=float, default=300, help="seconds of faults (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the order of an earlier run's faults")
    parser.add_argument("--kind", choices=["deployed", "embedded"], default="deployed")
    crowd_help = "clients of the storm at the end; 0: none (default: %(default)s)"
    parser.add_argument("--crowd", type=int, default=1000, help=crowd_help)
    parser.add_argument("--folder", type=Path, default=None, help="where the histories go")
    given = parser.parse_args()
    services.set_environment(runs_tests=False)
    # After the environment is set: they import Django's models.
    from .report import as_json
    from .run import Plan, print_line, run

    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    folder = given.folder or Path(tempfile.mkdtemp(prefix="taskrealtime-faults-"))
    print_line(f"seed {seed}; the histories go to {folder}")
    plan = Plan(
        given.kind,
        seed,
        given.seconds,
        servers=3 if given.kind == "deployed" else 1,
        long=given.seconds >= 300,
        timings=5,
        crowd=given.crowd,
    )
    try:
        report = asyncio.run(run(plan, folder=folder))
    finally:
        guard.end_all()
    print_line(str(report))
    (folder / "report.json").write_text(json.dumps(as_json(report), indent=1))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
