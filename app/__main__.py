"""`habarshy`, and `python -m app`: small, because each process that a command starts beside it reads this as well."""

import os

from app.tuning import INTERRUPTED, calm_collector


def main() -> None:
    """Run a command; one that is interrupted before it has begun ends without a word."""
    calm_collector()
    # We have no plugins of Pydantic's; to look for some, each start would read the metadata of every package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from app.cli.main import main as run  # noqa: PLC0415  (a second of imports that those processes do not need)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None

    run()


if __name__ == "__main__":
    main()
