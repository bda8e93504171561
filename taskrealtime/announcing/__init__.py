"""From a saved model to events in rooms, and to the people whom they concern."""
