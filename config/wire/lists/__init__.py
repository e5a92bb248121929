"""Lists of the API: how they are filtered, searched and sorted, and read page by page."""
