"""The use of API keys: counted, limited, reported and pruned."""
