"""The pages and the API of camera and recorder."""
