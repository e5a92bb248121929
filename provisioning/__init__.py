"""Plan and apply: compares what a file describes with the database, and changes the database accordingly."""
