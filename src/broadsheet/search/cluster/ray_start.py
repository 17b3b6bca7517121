"""`ray start` that stays on loopback where it is told to.

Ray reads 127.0.0.1 as the address by which the network knows the host, and then listens to the whole network. Left as
it is, it is where all of Ray's servers listen, and nobody else reaches them.
"""


def keep_loopback() -> None:
    """Let 127.0.0.1 mean 127.0.0.1 in this process."""
    from ray._private import services

    setattr(services, "is_localhost", lambda host: False)  # noqa: B010 - not a name that it exports


def main() -> None:
    """Run Ray's command line."""
    keep_loopback()
    from ray.scripts.scripts import main as ray_command

    ray_command()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
