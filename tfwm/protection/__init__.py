from tfwm.protection.barrier import Barrier, load_barrier
from tfwm.protection.proof import Proof, prove
from tfwm.protection.protect import protect

__all__ = ["Barrier", "Proof", "load_barrier", "protect", "prove"]
