"""Creating a resource once, however often the client repeats its request (Idempotency-Key)."""
