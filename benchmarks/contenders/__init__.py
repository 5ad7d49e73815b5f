"""Who is measured. Each module has `make(case)`: a function without arguments that does the work
of the case once, or None where it has nothing to set against it; and `VERSION`."""
