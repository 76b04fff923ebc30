"""A tip on a person: what tissue and muscle answer to its motion, and what that does to the person."""

from massage_arm.native.person cimport PersonData, person_step, tone_factor
from massage_arm.native.tissue cimport TissueData, find_place, keep_place, tissue_step


cdef struct Touch:
    double tip_radius                # m, of curvature, at the TCP
    double contact_radius            # m, the contact's largest
    double period                    # s
    double bulge                     # m that the muscle lifted the skin by, last step


cdef inline bint touch_step(Touch* touch, TissueData* t, PersonData* person, const double* p, const double* v,
                            double lift, double lift_rate, double own_tone, double noise,
                            double* force) noexcept nogil:
    """Force (3,) on the tip at p moving with v [body axes]; True when the heart beats.

    The skin stands `lift` [m] above its rest. The contact's area is that of Hertz, capped: pi min(R d, a²).
    """
    cdef double bulge = person.c.bulge * person.tone
    cdef double area = 0.0
    cdef bint beat
    find_place(t, p[0], p[1])
    lift += bulge
    lift_rate += (bulge - touch.bulge) / touch.period
    touch.bulge = bulge
    tissue_step(t, p, v, lift, lift_rate, tone_factor(person), touch.period, force)
    if t.depth > 0.0:
        area = touch.tip_radius * t.depth
        if area > touch.contact_radius * touch.contact_radius:
            area = touch.contact_radius * touch.contact_radius
        area *= 3.14159265358979323846
    beat = person_step(person, &t.place, t.normal, area, t.rate, own_tone, noise)
    keep_place(t)
    return beat
