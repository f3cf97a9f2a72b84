"""Fuzzing: Hypothesis generates input for a server in a separate process, whose responses are checked.

A target (`targets.py`) generates one input and sends it; `promises.py` checks the invariants of every
response. `make test` runs each target with a small budget (`test_fuzz.py`), `make fuzz` for minutes
(`__main__.py`).
"""
