"""A whole site on this machine: factory, site CA, cameras and a recorder, as separate processes with separate state."""
