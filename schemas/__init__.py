"""What the data is: events, topics, storage, and everything generated from them. Imports nothing of livepulse."""
