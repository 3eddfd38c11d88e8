"""What the application does. A service decides, and owns the one commit (database.reads, database.writes)."""
