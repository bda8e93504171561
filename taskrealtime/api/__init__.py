"""The HTTP doors: the same actions, objects and errors as the sockets, over REST."""
