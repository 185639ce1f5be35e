"""Looking at what happens now: the rooms' numbers as a live table, and how long records take to become visible."""
