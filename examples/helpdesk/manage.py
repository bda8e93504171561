"""Django's command line for the help desk."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # For the checkout that this example is part of; `pip install taskrealtime` needs no such line.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
