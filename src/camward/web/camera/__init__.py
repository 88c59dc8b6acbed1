"""The camera's pages and its part of the API."""
