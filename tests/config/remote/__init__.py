"""A person's own commands, and the Keyhouse that they talk to."""
