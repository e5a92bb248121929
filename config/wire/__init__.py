"""The form of requests and responses: maps our canonical names to the product's."""
