"""The gateway: Keyhouse decides which requests reach the services behind a proxy."""
