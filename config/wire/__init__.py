"""The form of requests and answers: where a product's spelling meets our own names."""
