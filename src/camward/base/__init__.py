"""Ground: clock, errors, supervision, fan-out, atomic files, settings metadata."""
