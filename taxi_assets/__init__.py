"""How long will a New York taxi trip take? From monthly trip files to trained, checked models.

The packages stand in the order in which data flows: `trips`, `features`, `training`.
`defs` shows them to Dagster, `cli` to the shell; `storage` and `settings` lie under all.
"""
