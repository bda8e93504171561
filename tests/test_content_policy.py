"""What the browser is told a page may load."""

import re
from pathlib import Path

import pytest
from django.test import Client

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/nowhere/", "/api/projects/", "/admin/"])
def test_every_answer_names_this_host_alone(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy


def test_no_template_needs_anything_inline() -> None:
    for path in TEMPLATES.rglob("*.html"):
        markup = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", markup), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", markup), path
