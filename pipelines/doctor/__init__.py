"""What usually goes wrong, looked for one by one: a module a group of checks.

Each has a `look` that asks the services and changes nothing, and functions that judge what was seen. Their thresholds stand
beside them.
"""
