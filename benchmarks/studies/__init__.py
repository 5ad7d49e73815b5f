"""Published results, reproduced; each module is a study with a command of its own."""
