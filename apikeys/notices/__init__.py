"""What the owners of keys are told by mail: an expiry, a long time without use, a new network, a leak."""
