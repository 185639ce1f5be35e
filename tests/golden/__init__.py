"""Golden cases: a few events, and every row that they make, with the arithmetic."""
