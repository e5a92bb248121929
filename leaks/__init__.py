"""The leak loop: takes reports of leaked keys, stops those keys, and finds keys where they do not belong."""
