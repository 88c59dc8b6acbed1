"""Pages about people and programs: users, client secrets, sessions, one's own password."""
