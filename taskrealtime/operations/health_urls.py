"""The addresses that operators ask."""

from django.urls import path

from . import health

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.measured),
]
