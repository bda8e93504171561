"""`python -m benchmarks [--quick] [--only SCENARIO]`: measure, then write the report."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tests import services
from tests.services import guard

from .bench import BUILD, FULL, QUICK, ROOT, Cores, allow_many_files, prepare, say


def main() -> None:
    """Measure what was asked for; a quick run's report goes to benchmarks/build/."""
    services.set_environment(runs_tests=False)
    # After the environment is set: they import Django's models.
    from . import report
    from .scenarios import SCENARIOS

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast it is, beside others.")
    parser.add_argument("--quick", action="store_true", help="two minutes, to see that it works")
    parser.add_argument("--only", action="append", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS))
    given = parser.parse_args()

    prepare()
    allow_many_files()
    folder = BUILD if given.quick else ROOT / "docs"
    kept = folder / "benchmarks.json"
    cores = Cores()
    results: dict[str, Any] = _load(kept) if given.only else {}
    for moment in results.get("moments", {}).values():
        # Measured before each section had its own.
        moment.setdefault("processor", results["machine"]["processor"])
    results["machine"] = report.machine(cores, quick=given.quick)
    try:
        for name in given.only or SCENARIOS:
            begun = time.monotonic()
            say(f"{name}: {SCENARIOS[name].TITLE}")
            moments = results.setdefault("moments", {})
            moments[name] = report.moment()
            results[name] = SCENARIOS[name].measure(cores, QUICK if given.quick else FULL)
            say(f"  {time.monotonic() - begun:.0f} s")
            kept.write_text(json.dumps(results, indent=1) + "\n")
    finally:
        guard.end_all()
    report.write(results, folder)
    say(f"The report: {folder / 'benchmarks.md'}")


def _load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


if __name__ == "__main__":
    main()
