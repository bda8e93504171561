"""How the engine works with the database: threads, batches, prepared statements, time limits."""
