"""The device CA: a private root, device identities, site CAs, labels."""
