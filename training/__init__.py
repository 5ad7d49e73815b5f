"""What train.py is made of: its options, the run on disk, and what it prints."""

__all__: list[str] = []
