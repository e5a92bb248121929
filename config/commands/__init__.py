"""What all Keyhouse commands have in common."""
