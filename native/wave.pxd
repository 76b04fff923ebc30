"""The force that swings: a sine about the steady force, how fast the tissue then lets the tool in, and what is learnt.

    f_ref = steady + height sin(phase)
    v     = f_ref' / k(f_ref)                                    the tool's speed into tissue of tangent stiffness k
    k     = cov(f_ref, f) / cov(f_ref, p)                        while f_ref moves; p: m beyond the known surface
    e     = steady + height sin(phase - delay) - f
    a_h  += mu e sin(h phase),  b_h += mu e cos(h phase)
    out   = sum a_h sin(h phase + lead_h) + b_h cos(h phase + lead_h)

The asked force is the instrument of k (instrumental variables, Young 1970): breathing and starts move the tool, too,
but not with what is asked, so that they do not count. k(f) rises with the force as the tissue law of docs/person.md
does, k (s + f) / (s + mean f). What every turn repeats is learnt per harmonic (adaptive feed-forward cancellation,
Bodson, Sacks and Khosla 1994); `lead` is what the loop lags at that rate (docs/control.md, Waves).
"""

from libc.math cimport fabs

from massage_arm.native.maths cimport clamp, sin_cos, toward
from massage_arm.native.settings cimport Settings

cdef enum:
    HARMONICS = 5


cdef struct Wave:
    double steady                    # N, slewed, that the force swings about
    double height                    # N, slewed
    double rate                      # Hz, slewed
    double phase                     # rad
    double learnt[HARMONICS][2]      # N: sine and cosine
    double out                       # N, what was learnt, at this phase
    double mean[3]                   # slow means of the asked force [N], of the force [N] and of the place [m]
    double spread[3]                 # covariances of the asked force with itself, the force and the place
    double stiffness                 # N/m of the tissue at mean[0]; 0: not known
    double share                     # 0..1 that the tank leaves of what is spent on the swing
    double slope                     # N/s of the asked force
    double steady_rate               # N/s of the steady force, smoothed
    double speed                     # m/s into the body that the asked force needs
    double acceleration              # m/s², the same, of the swing alone
    double shaking                   # m/s², of it now: what hangs on the sensor shakes it, too


cdef inline double two_pi() noexcept nogil:
    return 6.283185307179586


cdef inline void wave_rest(Wave* w) noexcept nogil:
    """Nothing is foreseen of the tool's motion."""
    w.slope = w.speed = w.acceleration = w.shaking = w.out = 0.0


cdef inline void wave_begin(Wave* w, double force, double place) noexcept nogil:
    """Nothing swings, nothing is known."""
    cdef int i
    w.steady = w.mean[0] = w.mean[1] = force
    w.mean[2] = place
    w.height = w.rate = w.phase = w.stiffness = w.steady_rate = 0.0
    wave_rest(w)
    for i in range(3):
        w.spread[i] = 0.0
    for i in range(HARMONICS):
        w.learnt[i][0] = w.learnt[i][1] = 0.0


cdef inline void wave_know(Wave* w, const Settings* g, double reference, double rate, double force, double place,
                           double dt) noexcept nogil:
    """Bring the tissue's stiffness up to date: `rate` [N/s] of the asked force."""
    cdef double now[3]
    cdef double share = dt / (g.wave_memory + dt)
    cdef int i
    now[0] = reference
    now[1] = force
    now[2] = place
    for i in range(3):
        w.mean[i] += share * (now[i] - w.mean[i])
    if not fabs(rate) > g.wave_moving:
        return
    for i in range(3):
        w.spread[i] += share * ((reference - w.mean[0]) * (now[i] - w.mean[i]) - w.spread[i])
    if w.spread[0] > g.wave_spread and w.spread[1] > 0.0 and w.spread[2] > 1e-9 * w.spread[1]:
        w.stiffness = clamp(w.spread[1] / w.spread[2], g.wave_softest, g.wave_stiffest)


cdef inline void wave_learn(Wave* w, const Settings* g, double force, double gain, double dt) noexcept nogil:
    """Adapt the harmonics to the error that is left, and say what they give now."""
    cdef double s, c, sh, ch, sl, cl, swap, error, most
    cdef int i
    w.out = 0.0
    if not (w.height > 0.0 and w.rate > 0.0):
        for i in range(HARMONICS):
            w.learnt[i][0] = w.learnt[i][1] = 0.0
        return
    sin_cos(w.phase - two_pi() * w.rate * g.wave_delay, &s, &c)
    error = w.steady + w.height * s - force
    sin_cos(w.phase, &s, &c)
    sh, ch = s, c
    most = g.wave_learnt_max if g.wave_learnt_max < w.height else w.height  # no more than what is asked to swing
    for i in range(HARMONICS):
        if (i + 1) * w.rate > g.wave_learnt_rate_max:
            w.learnt[i][0] = w.learnt[i][1] = 0.0
            continue
        w.learnt[i][0] = clamp(w.learnt[i][0] + gain * g.wave_learning * error * sh * dt, -most, most)
        w.learnt[i][1] = clamp(w.learnt[i][1] + gain * g.wave_learning * error * ch * dt, -most, most)
        sin_cos(clamp(g.wave_lead * (i + 1) * w.rate, 0.0, g.wave_lead_max), &sl, &cl)
        w.out += w.learnt[i][0] * (sh * cl + ch * sl) + w.learnt[i][1] * (ch * cl - sh * sl)
        swap = sh * c + ch * s
        ch = ch * c - sh * s
        sh = swap


cdef inline double speeding_up(const Wave* w, const Settings* g, double give, double s, double c) noexcept nogil:
    """m/s² of the tool at a phase of sine s and cosine c: f_ref'' give - f_ref'² give / (s + f_ref)."""
    cdef double turn = two_pi() * w.rate
    cdef double slope = w.height * turn * c
    cdef double bend = -w.height * turn * turn * s - slope * slope / (g.wave_stiffening + w.steady + w.height * s)
    return clamp(bend * give, -g.wave_acceleration_max, g.wave_acceleration_max)


cdef inline void wave_foresee(Wave* w, const Settings* g, double now, double slope_now) noexcept nogil:
    """Speed and acceleration of the tool that the asked force needs, as far ahead as a command takes to act.

    `now`, `slope_now`: sine and cosine of the phase.
    """
    cdef double s, c, give
    cdef double turn = two_pi() * w.rate
    w.speed = w.acceleration = w.shaking = 0.0
    if w.stiffness == 0.0:
        return
    give = (g.wave_stiffening + w.mean[0]) / (g.wave_stiffening + w.steady + w.height * now) / w.stiffness
    w.shaking = speeding_up(w, g, give, now, slope_now)
    sin_cos(w.phase + turn * g.wave_ahead, &s, &c)
    give = (g.wave_stiffening + w.mean[0]) / (g.wave_stiffening + w.steady + w.height * s) / w.stiffness
    w.speed = clamp((w.steady_rate + w.height * turn * c) * give, -g.wave_speed_max, g.wave_speed_max)
    w.acceleration = speeding_up(w, g, give, s, c)


cdef inline double wave_step(Wave* w, const Settings* g, double steady, double steady_rate, double height, double rate,
                             double force, double place, double gain, double dt) noexcept nogil:
    """Move on by dt; the force asked for [N].

    `steady` [N] is slewed at `steady_rate` [N/s]; the swing of `height` [N] at `rate` [Hz] grows and fades at
    `wave_growth`, leaves the touch force and `force_max` alone, and is never steeper than `wave_slope_max`.
    """
    cdef double s, c, slope, force_now, before = w.steady
    w.steady = toward(w.steady, steady, steady_rate * dt)
    w.rate = toward(w.rate, rate, g.wave_rate_growth * dt) if w.height > 0.0 else rate
    if w.rate * two_pi() * height > g.wave_slope_max:
        height = g.wave_slope_max / (two_pi() * w.rate)
    if rate == 0.0:
        height = 0.0
    if w.height < height and not (w.stiffness > 0.0 and fabs(w.steady - steady) < g.touch_force):
        height = w.height  # nothing begins to swing before the tissue is known and the force is there
    w.height = toward(w.height, height, g.wave_growth * dt)
    slope = w.steady - g.touch_force if w.steady - g.touch_force < g.force_max - w.steady else g.force_max - w.steady
    w.height = clamp(w.height, 0.0, slope if slope > 0.0 else 0.0)
    if w.height == 0.0:
        w.phase = 0.0
    w.phase += two_pi() * w.rate * dt
    if w.phase > two_pi():
        w.phase -= two_pi()
    sin_cos(w.phase, &s, &c)
    force_now = w.steady + w.height * s
    slope = (w.steady - before) / dt
    w.slope = slope + w.height * two_pi() * w.rate * c
    wave_know(w, g, force_now, w.slope, force, place, dt)
    wave_learn(w, g, force, gain, dt)
    w.out *= w.share
    # Where a ramp begins or ends, the force would leap with its rate.
    w.steady_rate += (slope - w.steady_rate) * dt / (g.wave_smoothing + dt)
    wave_foresee(w, g, s, c)
    return force_now
