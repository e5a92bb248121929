"""Key pairs that sign tokens which other programs verify."""
