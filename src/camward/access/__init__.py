"""Accounts, roles, passwords, Digest, sessions, client secrets, claim."""
