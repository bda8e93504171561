"""Reading what `/metrics` says."""

import re


def value(text: str, name: str, **labels: str) -> float:
    """Return the sum of the samples with this name and these labels among theirs; NaN without any."""
    total, found = 0.0, False
    for line in text.splitlines():
        if match := re.fullmatch(rf"{name}(?:\{{(.*)\}})? ([-+.eE\dInfNa]+)", line):
            given = dict(re.findall(r'(\w+)="([^"]*)"', match[1] or ""))
            if labels.items() <= given.items():
                total, found = total + float(match[2]), True
    return total if found else float("nan")
