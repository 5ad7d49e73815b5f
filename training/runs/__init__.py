"""Several runs: over `seeds`, or in a `search` of options, each a `trial` in one of some
`processes`; and the `comparison` of finished ones.
"""
