"""From rows and states to the objects of the catalogue."""
