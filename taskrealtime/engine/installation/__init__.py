"""What the processes of one installation share: its identity, its names in Redis, the channel layer."""
