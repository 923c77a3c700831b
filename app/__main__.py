"""python -m app is habarshy."""

from app.cli import main

main()
