"""A live task board on Django Channels: nothing lost, nothing twice, in order."""
