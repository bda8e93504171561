"""The addresses of the API, below the board's; `taskrealtime.account_urls` has the one for a name and password."""

from django.urls import path, re_path, register_converter

from taskrealtime.live import converters  # noqa: F401 -- registers `room`

from . import (
    board,
    comments,
    deletions,
    documents,
    events,
    invitations,
    labels,
    me,
    members,
    notifications,
    nowhere,
    projects,
    requests,
    rooms,
    tasks,
    tokens,
)
from .converters import IdConverter, UserConverter

register_converter(IdConverter, "id")
register_converter(UserConverter, "user")

urlpatterns = [
    path("token/refresh/", tokens.TokenRefreshView.as_view()),
    path("token/session/", tokens.SessionTokenView.as_view(), name="session_token"),
    path("token/revoke/", tokens.RevokeView.as_view()),
    path("projects/", projects.ProjectsView.as_view()),
    path("projects/deleted/", deletions.DeletedProjectsView.as_view()),
    path("projects/<id:project_id>/", projects.ProjectView.as_view()),
    path("projects/<id:project_id>/board/", board.BoardView.as_view()),
    path("projects/<id:project_id>/events/", events.EventsView.as_view()),
    path("projects/<id:project_id>/deleted/", deletions.DeletedView.as_view()),
    path("projects/<id:project_id>/restore/", deletions.ProjectRestoreView.as_view()),
    path("projects/<id:project_id>/purge/", deletions.ProjectPurgeView.as_view()),
    path("projects/<id:project_id>/leave/", projects.LeaveView.as_view()),
    path("projects/<id:project_id>/archive/", tasks.CompletedArchiveView.as_view()),
    path("projects/<id:project_id>/hand-over/", projects.HandOverView.as_view()),
    path("projects/<id:project_id>/members/", members.MembersView.as_view()),
    path("projects/<id:project_id>/members/<user:user_id>/", members.MemberView.as_view()),
    path("projects/<id:project_id>/members/<user:user_id>/restore/", deletions.MemberRestoreView.as_view()),
    path("projects/<id:project_id>/labels/", labels.LabelsView.as_view()),
    path("projects/<id:project_id>/labels/<id:label_id>/", labels.LabelView.as_view()),
    path("projects/<id:project_id>/labels/<id:label_id>/restore/", deletions.LabelRestoreView.as_view()),
    path("projects/<id:project_id>/labels/<id:label_id>/purge/", deletions.LabelPurgeView.as_view()),
    path("projects/<id:project_id>/invitations/", invitations.InvitationsView.as_view()),
    path("projects/<id:project_id>/invitations/<id:invitation_id>/", invitations.InvitationView.as_view()),
    path("invitations/accept/", invitations.AcceptView.as_view()),
    path("tasks/", tasks.TasksView.as_view()),
    path("tasks/<id:task_id>/", tasks.TaskView.as_view()),
    path("tasks/<id:task_id>/status/", tasks.TaskStatusView.as_view()),
    path("tasks/<id:task_id>/move/", tasks.TaskMoveView.as_view()),
    path("tasks/<id:task_id>/restore/", tasks.TaskRestoreView.as_view()),
    path("tasks/<id:task_id>/archive/", tasks.TaskArchiveView.as_view()),
    path("tasks/<id:task_id>/comments/", comments.TaskCommentsView.as_view()),
    path("comments/<id:comment_id>/", comments.CommentView.as_view()),
    path("comments/<id:comment_id>/restore/", deletions.CommentRestoreView.as_view()),
    path("comments/<id:comment_id>/purge/", deletions.CommentPurgeView.as_view()),
    path("notifications/", notifications.NotificationsView.as_view()),
    path("notifications/events/", notifications.NotificationEventsView.as_view()),
    path("notifications/read/", notifications.NotificationsReadView.as_view()),
    path("notifications/<id:seq>/snooze/", notifications.SnoozeView.as_view()),
    path("rooms/<room:room>/", rooms.RoomView.as_view()),
    path("rooms/<room:room>/events/", rooms.RoomEventsView.as_view()),
    path("me/", me.MeView.as_view()),
    path("me/sessions/", tokens.SignInsView.as_view()),
    path("me/sessions/<slug:mark>/", tokens.SignInView.as_view()),
    path("me/requests/", requests.RequestsView.as_view()),
    path("me/requests/<id:project_id>/accept/", requests.RequestAcceptView.as_view()),
    path("me/requests/<id:project_id>/decline/", requests.RequestDeclineView.as_view()),
    path("me/blocks/", requests.BlocksView.as_view()),
    path("me/blocks/<user:user_id>/", requests.BlockView.as_view()),
    path("schema/", documents.OpenApiView.as_view()),
    path("asyncapi/", documents.AsyncApiView.as_view()),
    # Last: whatever else is asked for here is answered in JSON, too.
    re_path("", nowhere.NowhereView.as_view()),
]
