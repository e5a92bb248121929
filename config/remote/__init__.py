"""The client side of the device grant: what `keyhouse login`, `token` and `logout` do."""
