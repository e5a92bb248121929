"""The OpenAPI document: how it is made from the views, and the pages that show it."""
