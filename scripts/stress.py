"""Repeat tests on a busy machine: `python scripts/stress.py TIMES LOAD PYTEST_ARGUMENTS…`.

LOAD processes do nothing but keep the processors busy meanwhile. Stops at the first run that fails, with its status.
"""

import subprocess
import sys
import time

#: Ends by itself when this process is gone, which closes the pipe.
BUSY = "import select, sys\nwhile not select.select([sys.stdin], [], [], 0)[0]:\n    sum(range(100_000))"


def main() -> int:
    """Return the exit status of the first failed run, or 0."""
    times, load, arguments = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    busy = [subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE) for _ in range(load)]
    try:
        for number in range(1, times + 1):
            began = time.monotonic()
            status = subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments]).returncode
            sys.stdout.write(f"Run {number} of {times}: status {status}, {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
            if status != 0:
                return status
    finally:
        for process in busy:
            process.communicate(b"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
