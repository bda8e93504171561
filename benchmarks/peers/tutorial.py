"""The chat of the Channels tutorial on daphne, with Redis as its layer: `daphne benchmarks.peers.tutorial:application`.

Consumer, routing and settings as https://channels.readthedocs.io/en/stable/tutorial/part_3.html has them; `Task` and
its receiver as "Using Outside Of Consumers" at https://channels.readthedocs.io/en/stable/topics/channel_layers.html.
"""

import json
import os

import dj_database_url
import django
from django.conf import settings

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["daphne", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    DATABASES={"default": dict(dj_database_url.parse(os.environ["DATABASE_URL"]))},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
)
django.setup()

from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.db import connection, models
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import re_path

ROOM = "lobby"


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket of the chat."""

    async def connect(self):
        """Join the room's group."""
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        """Leave it."""
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data):
        """Send what this socket said to the group."""
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(self.room_group_name, {"type": "chat.message", "message": message})

    async def chat_message(self, event):
        """Send the group's message to this socket."""
        await self.send(text_data=json.dumps({"message": event["message"]}))


class Task(models.Model):
    """What is saved where a save shall be seen."""

    title = models.CharField(max_length=400)

    class Meta:
        app_label = "auth"  # Any that is installed: this module is no app.
        db_table = "tutorial_task"


def create_table():
    """The table of `Task`, in an empty database."""
    with connection.schema_editor() as editor:
        editor.create_model(Task)


@receiver(post_save, sender=Task)
def tell(sender, instance, **kwargs):
    """Send each saved task to the group."""
    message = {"type": "chat.message", "message": instance.title}
    async_to_sync(get_channel_layer().group_send)(f"chat_{ROOM}", message)


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([re_path(r"ws/chat/(?P<room_name>\w+)/$", ChatConsumer.as_asgi())]))
        ),
    }
)
