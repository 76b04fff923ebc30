"""The energy that the controller may still spend on a person: a tank, filled by damping and, slowly, by time.

    S  = 1/2 k_t |e|² + 1/2 (k_n - k_t) (n.e)² + 1/2 k_r |e_r|²      what the springs hold
    E <- clip(E - (F.v + M.w) dt - (S - S_before) + refill dt, -E_max, E_max)

F.v + M.w is the wrench's power and what the clamp and the rate of the torques make of it: a torque that comes late gives
where the wrench took. Whatever leaves through the tool and did not come out of the springs comes out of the tank: force
loop, moving reference, rising stiffness and feed-forward alike (Franken et al. 2011; stored as energy, so that nothing
divides by its root). `share` gates all four; at 0 what is left is springs and damping, which are passive. An overdrawn
tank remembers its debt. The refill makes this a limit on the energy's rate, not strict passivity.
"""

from massage_arm.native.maths cimport clamp


cdef struct Tank:
    double energy                    # J
    double springs                   # J, in the springs, last cycle
    double share                     # 0..1


cdef inline void tank_step(Tank* t, double out, double springs, double refill, double low, double high, double most,
                           double dt) noexcept nogil:
    """Settle one cycle: `out` [W] left through the tool, `springs` [J] are in them now; `refill` [W]."""
    cdef double x
    t.energy = clamp(t.energy - out * dt - (springs - t.springs) + refill * dt, -most, most)
    t.springs = springs
    x = clamp((t.energy - low) / (high - low), 0.0, 1.0)
    t.share = x * x * (3.0 - 2.0 * x)
