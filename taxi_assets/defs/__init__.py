"""All that Dagster sees, and nothing else: assets, their checks, partitions, jobs, resources.

What an asset does stands in `trips`, `features` and `training`; here it is called, stored and described.
"""
