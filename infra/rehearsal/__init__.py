"""A production to rehearse on: real machines, registry, database and certificates, on one machine.

What stands here is the outside world of the pipeline. Nothing in this package is imported by the
pipeline itself; it may use only the standard library, because it runs before `.venv` exists
(the stand-ins for Google, `google.py` and what it imports, are the exception: they run in it).

The one rule: everything lives in namespaces and in `.rehearsal/`. Nothing here may change a file,
a route or a user of the machine that it runs on, except by installing distribution packages.
"""
