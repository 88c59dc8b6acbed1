"""The recorder's pages and API: live grid, timeline, cameras, events, health."""
