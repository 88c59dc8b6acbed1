"""Setup pages, made from the settings tree."""
