"""All attacks, in the order of the table."""

from benchmarks.hostile.endpoints import ENDPOINTS
from benchmarks.hostile.refusals import REFUSALS
from benchmarks.hostile.scans import SCANS
from benchmarks.hostile.sockets import SOCKETS
from benchmarks.hostile.traffic import Attack
from benchmarks.hostile.unseen import UNSEEN

ATTACKS = tuple(sorted((*REFUSALS, *UNSEEN, *SOCKETS, *SCANS, *ENDPOINTS), key=lambda attack: attack.group))


def get_attack(name: str) -> Attack:
    """Return the attack with this name. Raises KeyError."""
    return {attack.name: attack for attack in ATTACKS}[name]
