"""A run: `setup` makes data, network and solver of the options (`networks`, `augmentation`),
`running` trains and reports, `folder` keeps it on disk with its `config`, `autosave` lets a killed
one go on, `console` is what it prints, and `ranks` are the processes of an MPI job.
"""
