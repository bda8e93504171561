"""The reference server: daphne with bounds, back-pressure and a supervisor."""
