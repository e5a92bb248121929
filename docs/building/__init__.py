"""What the documentation takes from the code when it is built: `./run docs`."""
