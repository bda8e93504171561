"""The addresses of live rooms, for a project without the board, whose API has them, too.

path("live/", include("taskrealtime.live.urls"))
"""

from django.urls import path

from taskrealtime.engine.http.session_token import SessionTokenView

from . import converters, views  # noqa: F401 -- registers `room`

app_name = "taskrealtime_live"

urlpatterns = [
    path("token/session/", SessionTokenView.as_view(), name="token"),
    path("notifications/events/", views.OwnEventsView.as_view(), name="own_events"),
    path("rooms/<room:room>/", views.RoomView.as_view(), name="room"),
    path("rooms/<room:room>/events/", views.RoomEventsView.as_view(), name="events"),
]
