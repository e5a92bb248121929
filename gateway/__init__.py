"""The gateway: how Keyhouse protects services that are not its own."""
