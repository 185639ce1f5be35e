"""Boards: what operators, analysts and engineers look at."""
