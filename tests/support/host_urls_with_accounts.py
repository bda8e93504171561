"""The URLs of the project in `host_settings`, with our pages for accounts below `people/`."""

from django.urls import include, path

from tests.support import host_urls

urlpatterns = [*host_urls.urlpatterns, path("people/", include("taskrealtime.account_urls"))]
