"""The commands of ./run bench beside the one that measures all candidates: ./run bench crowds, and others."""
