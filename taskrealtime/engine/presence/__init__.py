"""Presence in rooms, typing indicators, and when a user was connected last."""
