"""Programs: API keys, what they may do, and the authentication of requests by them."""
