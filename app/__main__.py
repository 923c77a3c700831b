"""`habarshy`, and `python -m app`: small, because each process that a command starts beside it reads this as well."""


def main() -> None:
    """Run a command."""
    from app.cli import main as run  # noqa: PLC0415  (a second of imports that those processes do not need)

    run()


if __name__ == "__main__":
    main()
