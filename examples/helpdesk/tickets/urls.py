"""The addresses of the pages."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.queues, name="queues"),
    path("queues/<int:pk>/", views.queue, name="queue"),
    path("tickets/<int:pk>/", views.ticket, name="ticket"),
    path("tickets/<int:pk>/take/", views.take, name="take"),
    path("tickets/<int:pk>/notes/", views.add_note, name="add_note"),
]
