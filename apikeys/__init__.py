"""API keys: their life cycle, what they may do, and the authentication of requests that send them."""
