"""Device keys and certificates, pins, TLS contexts."""
