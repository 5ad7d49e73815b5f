"""Downloads: once, checked, kept in the user's cache folder."""

from pathlib import Path


def fetch(url: str, sha256: str) -> Path:
    """Return the path of the file at `url`, downloaded unless the cache has it.

    The file is kept under its own name in the `chainrule` folder of the operating system's
    cache for this user. A file whose SHA-256 differs from `sha256` is downloaded again when it
    was in the cache, and thrown away when it came from `url`.

    Raises:
        OSError: the file cannot be downloaded or stored, or it has the wrong checksum.
    """
    import pooch  # costs a fifth of a second

    name = url.rsplit("/", 1)[-1]
    folder = pooch.os_cache("chainrule")
    try:
        return Path(pooch.retrieve(url, sha256, fname=name, path=folder, progressbar=True))
    except (OSError, ValueError) as error:
        # What is said of a server that cannot be reached goes on for lines.
        reason = type(error).__name__ if "ConnectionPool" in str(error) else str(error)
        raise OSError(
            f"{url}: download failed ({reason}); "
            f"where there is no network, get the file elsewhere and pass the folder it is in "
            f"(chainrule train --data-dir)"
        ) from error
