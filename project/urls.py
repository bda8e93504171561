"""URLs of the project: admin, and everything of taskrealtime."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    *([path("oidc/", include("project.oidc"))] if settings.OIDC_ISSUER else []),
    path("", include("taskrealtime.account_urls")),
    path("", include("taskrealtime.urls")),
]
