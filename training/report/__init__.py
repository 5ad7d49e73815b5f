"""The report of a run: its `evidence` as data, `charts` and `images` drawn from that, and the
`page` that `writing` puts them on.
"""
