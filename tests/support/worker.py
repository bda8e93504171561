"""A Django process that carries out code for a test: `python -m tests.support.worker`.

It stands for any other code that uses the models (a shell, a cron job) and is kept running, since starting
Django takes a second. One request a line, as JSON: `{"code", "values"}`; one answer a line: `{"result"}`, the
value that the code gave to the name `result`, or `{"error"}`, a traceback.
"""

import json
import os
import sys
import traceback
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    answers = sys.stdout
    sys.stdout = sys.stderr  # what the code prints goes to the log
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(answer(request["code"], request["values"]), default=str) + "\n")
        answers.flush()


def answer(code: str, values: dict[str, Any]) -> dict[str, Any]:
    """Run the code with every model, and the values, as its names."""
    from django.apps import apps
    from django.db import close_old_connections

    names: dict[str, Any] = {model.__name__: model for model in apps.get_models()} | values
    try:
        exec(code, names)
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        close_old_connections()
    return {"result": names.get("result")}


if __name__ == "__main__":
    main()
