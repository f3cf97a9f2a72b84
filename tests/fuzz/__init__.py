"""Fuzzing: what Hypothesis generates goes to a server in a process of its own, and its promises are checked.

A target (`targets.py`) makes one input and sends it; `promises.py` says what every answer owes. `make test`
gives each target a small budget (`test_fuzz.py`), `make fuzz` minutes (`__main__.py`).
"""
