"""The HTML pages: projects, board, accounts, operations."""
