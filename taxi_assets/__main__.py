"""`python -m taxi_assets` is the command `taxi`."""

from taxi_assets.cli import main

main()
