"""Dead letters as a workflow: find them, repair them by a small mapping, send them again as what they should have been."""
