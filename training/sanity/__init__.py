"""What keeps a network from learning: an `examination` of the data and the network
`before_training`, and in `short_runs` on copies, with a `picture`.
"""

from chainrule.training.sanity.examination import examine

__all__ = ["examine"]
