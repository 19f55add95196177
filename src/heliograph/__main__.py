"""The program, also as `python -m heliograph`: Ctrl-C ends it quietly from its first moment on."""

import sys


def main() -> None:
    """Run the program."""
    try:
        from heliograph.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
