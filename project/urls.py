"""URLs of the project: admin, and everything of taskrealtime."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("taskrealtime.account_urls")),
    path("", include("taskrealtime.urls")),
]
