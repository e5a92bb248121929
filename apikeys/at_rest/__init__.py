"""Keys at rest: creates and recognizes the text of keys, and computes their digests."""
