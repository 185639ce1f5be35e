"""The independent judge: every counter of ADR 2, recomputed from the records by plain Python.

It knows the ADR and the event models and nothing of the jobs: never import `jobs` or `schemas.rules` here.
"""
