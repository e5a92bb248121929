"""What came of the requests of keys: counted, limited, reported, forgotten."""
