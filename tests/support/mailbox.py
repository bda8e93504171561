"""The mails that were sent in this process."""

import re
import threading

from django.core import mail


def wait_for_mail() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("mail"):
            thread.join(10)


def link_in_mail() -> tuple[str, str]:
    """Of the last mail: the page, and what stands behind the `#`."""
    wait_for_mail()
    [link] = re.findall(r"http\S+", str(mail.outbox[-1].body))
    page, _, secret = link.partition("#")
    return page, secret
