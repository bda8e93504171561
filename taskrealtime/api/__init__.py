"""The HTTP API: the same actions, objects and errors as the sockets, over REST."""
