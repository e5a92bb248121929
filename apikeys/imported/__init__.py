"""Keys that other systems made: which systems, and by which digests a key of theirs is looked up."""
