"""The whole service on one machine: started as child processes, stopped without a trace.

Needs a checkout with the server's libraries installed, but imports none of them: everything runs
as `python -m ...` of the same interpreter.
"""
