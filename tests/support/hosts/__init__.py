"""Small projects of others that taskrealtime is built into: each with a user model of its own."""
