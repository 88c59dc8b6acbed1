"""The camward command: parse, call, print."""
