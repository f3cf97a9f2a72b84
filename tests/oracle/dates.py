"""Dates and durations for generated requests: close to those of the content, in every format."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta, timezone

from .dice import Dice
from .instants import BILLION, EPOCH, Instant, of_nanoseconds

BAD_DATES = ("", "2021-02-30", "2021-04-15T13", "yesterday", "0001-01-01T00:00:00+01:00", "2021-04-15 ")
BAD_DURATIONS = ("", "P", "PT", "P1Y", "P1M", "P0D", "PT0S", "P1.5D", "-P1D", "p1d", "P1DT", "PT1M1H", "1D")
SPANS = ("P1D", "PT1H", "P1W", "PT90M", "PT1S", "P2DT3H4M5S", "P5000W", "P0DT36H")
DAY = 86_400 * BILLION
STEPS = (0, 0, 1, -1, BILLION, DAY, -DAY)


def date_text(dice: Dice, instants: Sequence[Instant]) -> str:
    """Return one of the content's dates, or one close to it."""
    found = dice.pick(instants) if instants else of_nanoseconds(0)
    moved = found.nanoseconds + dice.pick(STEPS)
    return dice.pick(forms(found if moved == found.nanoseconds else of_nanoseconds(moved)))


def forms(instant: Instant) -> list[str]:
    """Return the instant in several formats, and its day."""
    moment = EPOCH + timedelta(seconds=instant.nanoseconds // BILLION)
    plain = instant.text.removesuffix("Z")
    texts = [instant.text, plain, plain.replace("T", " "), f"{plain}+00:00", plain[:10]]
    if 1 < moment.year < 9999:
        away = moment.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
        texts.append(away.replace(tzinfo=None).isoformat() + plain[19:] + "-03:30")
    return texts


def spans_to(instants: Sequence[Instant]) -> list[str]:
    """Return durations that reach from today back to about each of the dates."""
    now = time.time_ns()
    return [f"P{(now - one.nanoseconds) // DAY}D" for one in instants if now - one.nanoseconds >= DAY]
