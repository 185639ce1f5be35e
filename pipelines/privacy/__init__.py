"""Whose data it is: pseudonyms of user ids, and forgetting a person."""
