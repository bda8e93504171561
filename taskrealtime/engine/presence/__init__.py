"""Who is in a room, who types, and when a user was connected last."""
