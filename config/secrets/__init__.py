"""Creates, stores and recognizes secrets, key pairs and key formats."""
