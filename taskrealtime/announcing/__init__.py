"""From a saved model to events in rooms, and to the users that they concern."""
