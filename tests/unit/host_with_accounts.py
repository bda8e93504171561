"""The URLs of a project that has the board with its account pages, each somewhere."""

from django.urls import include, path

urlpatterns = [
    path("board/", include("taskrealtime.urls")),
    path("members/", include("taskrealtime.account_urls")),
]
