"""Run one attack against a new server.

1. Start the server on a copy of the database, and the victim; meanwhile the attacker builds its
   payloads.
2. Measure the victim before the attack, while an article is edited twice a second.
3. Measure the victim during the attack. Then the attacker closes its connections.
4. Wait until memory is released, for a limited time, and until the victim has all responses.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urljoin

import httpx2
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.hostile.floods import Counters
from benchmarks.hostile.memory import Sampler
from benchmarks.hostile.process import Process, start_process
from benchmarks.hostile.result import MAX_RETAINED, Delays, Memory, Result, Times
from benchmarks.hostile.target import Target
from benchmarks.hostile.traffic import WHOLE_SECONDS, Attack
from benchmarks.hostile.victim import OK, TIMEOUT, Arrival, Observations, Sample
from benchmarks.live.edits import Edits, SavedEdit, edit_articles
from benchmarks.live.stores import serve_store
from benchmarks.throughput.process import Server

WARM_UP_SECONDS = 1.5  # seconds that are not measured
QUIET_SECONDS = 3.0
GAP_SECONDS = 0.3  # before the attack, so that earlier requests have their responses when it starts
SETTLE_SECONDS = 2.0  # at least, after the attack
MAX_SETTLE_SECONDS = 10.0
EXTRA_SECONDS = 30.0  # extra time for an attacker that the server slows down
EDIT_INTERVAL = 0.5
CHECK_INTERVAL = 0.02
METRICS = {"GQLNEWS_METRICS": "1"}
EDITED_ARTICLES = 20


@dataclass(frozen=True, slots=True)
class Phase:
    """An interval between two times of `time.monotonic`."""

    begin: float
    end: float


def run_attack(attack: Attack, attacked: Target, seconds: float) -> Result:
    """Run one attack against a new server and return the result."""
    target = attacked.copy_store()
    log = attacked.scratch / f"{attack.name}.log"
    with (
        edit_articles(target.folder, target.database, EDITED_ARTICLES) as edits,
        serve_store(target, log, more={**METRICS, **attacked.settings}) as server,
        Sampler(server.pid) as memory,
        start_process("attacker", server.url, attack.name, str(seconds), attacked.since) as attacker,
        start_process("victim", server.url, str(attacked.slugs)) as victim,
    ):
        for process in (victim, attacker):
            process.wait_until_ready()
        return _Trial(attack, seconds, edits, memory, victim, attacker).run(server)


class _Trial:
    """One attack, once all processes are running."""

    def __init__(
        self,
        attack: Attack,
        seconds: float,
        edits: Edits,
        memory: Sampler,
        victim: Process,
        attacker: Process,
    ) -> None:
        self._attack, self._seconds = attack, seconds
        self._edits, self._memory = edits, memory
        self._victim, self._attacker = victim, attacker
        self._saved: list[SavedEdit] = []

    def run(self, server: Server) -> Result:
        self._edit(_after(WARM_UP_SECONDS))
        quiet = self._edit(_after(QUIET_SECONDS))
        self._edit(_after(GAP_SECONDS))
        before = self._memory.restart()
        self._attacker.start_attack()
        late = _after(max(self._seconds, WHOLE_SECONDS) + EXTRA_SECONDS)
        attacked = self._edit(lambda: self._attacker.has_exited() or late())
        sent = msgspec.json.decode(self._attacker.stop(0.1), type=Counters)
        self._edit(_after(SETTLE_SECONDS))
        after = self._memory.wait_until_below(before + MAX_RETAINED, MAX_SETTLE_SECONDS)
        cached = cache_bytes(server.url)
        survived = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        seen = msgspec.json.decode(self._victim.stop(TIMEOUT + EXTRA_SECONDS), type=Observations)
        during = _within(attacked, seen.queries)
        health = _within(attacked, seen.health)
        return Result(
            name=self._attack.name,
            group=self._attack.group,
            what=self._attack.what,
            sent=sent,
            quiet=Times.of(_within(quiet, seen.queries)),
            attacked=Times.of(during),
            quiet_events=self._delays(quiet, seen.events),
            events=self._delays(attacked, seen.events),
            memory=Memory(before, self._memory.most, after, cached),
            health=len(health),
            unready=sum(one.status != OK for one in health),
            survived=survived,
        )

    def _edit(self, is_over: Callable[[], bool]) -> Phase:
        """Edit an article twice a second until `is_over`, and return the interval."""
        begin = due = time.monotonic()
        while not is_over():
            if (now := time.monotonic()) >= due:
                self._saved.append(self._edits.save())
                due = now + EDIT_INTERVAL
            time.sleep(CHECK_INTERVAL)
        return Phase(begin, time.monotonic())

    def _delays(self, phase: Phase, events: Sequence[Arrival]) -> Delays:
        """Delays of the edits in a phase. An event that has not arrived counts as lost."""
        arrived = {event.title: event.at for event in events}
        saved = [one for one in self._saved if phase.begin <= one.saved_at < phase.end]
        delays = [arrived[one.title] - one.saved_at for one in saved if one.title in arrived]
        return Delays(
            number=len(saved),
            median=median(delays) if delays else 0.0,
            longest=max(delays, default=0.0),
            lost=len(saved) - len(delays),
        )


def cache_bytes(url: str) -> int:
    """Return the size of the server's caches according to its metrics."""
    scraped = httpx2.get(urljoin(url, "/metrics"), timeout=TIMEOUT).raise_for_status().text
    families = text_string_to_metric_families(scraped)
    sizes = (family.samples[0].value for family in families if family.name.endswith("_cache_bytes"))
    return int(sum(sizes))


def _after(seconds: float) -> Callable[[], bool]:
    """Return a function that says whether `seconds` have passed since this call."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _within(phase: Phase, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples that were due in a phase."""
    return [one for one in samples if phase.begin <= one.at < phase.end]
