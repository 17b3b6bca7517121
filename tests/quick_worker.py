"""A worker like any other, but for how long its steps rest: a test does not wait for minutes. Run as a program."""

from dataclasses import replace
from datetime import timedelta

from broadsheet import worker

REST = timedelta(seconds=1)


def main() -> None:
    """Work until told to stop."""
    given = worker.steps()
    worker.IDLE = timedelta(seconds=0.2)  # type: ignore[misc]
    worker.steps = lambda: tuple(replace(step, every=min(step.every, REST)) for step in given)
    worker.main()


if __name__ == "__main__":
    main()
