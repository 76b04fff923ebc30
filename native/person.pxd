"""What pressing does to a person: pain, muscle tone, release, heart. See person.pyx."""

cdef enum:
    LINE = 2048                      # steps that a delay line holds


cdef struct PersonConstants:         # meaning, units, defaults and sources: person_constants.py, same order
    double tone_stiffening
    double trigger_stiffening
    double bulge
    double resting_tone
    double arousal_tone
    double startle_tone
    double startle_time
    double rise_time
    double fall_time
    double threshold_area_power
    double trigger_threshold_drop
    double release_threshold_rise
    double threshold_least
    double pain_onset
    double pain_scale
    double pain_rise_time
    double pain_fall_time
    double touch_pressure
    double touch_speed
    double touch_time
    double reflex_damping
    double relaxed_reflex
    double speed_filter
    double short_delay
    double short_threshold
    double short_range
    double medium_delay
    double medium_threshold
    double medium_range
    double guard_delay
    double guard_onset
    double guard_range
    double guard_rise_time
    double guard_fall_time
    double dose_onset
    double dose_range
    double dose_limit
    double dose_fade
    double dose_tone
    double release_time
    double release_return
    double softening
    double softening_time
    double softening_return
    double calming_pressure
    double pain_ease
    double alarm_onset
    double alarm_range
    double alarm_vagal
    double alarm_arousal
    double calm_arousal
    double vagal_rise_time
    double vagal_fall_time
    double arousal_rise_time
    double arousal_fall_time
    double vagal_gain
    double vagal_delay
    double vagal_time
    double arousal_gain
    double arousal_delay
    double arousal_time
    double interval
    double breathing_swing
    double swing_with_tone
    double interval_noise


cdef struct Line:
    double values[LINE]
    int length                       # steps of delay, plus one
    int at                           # where the next value goes


cdef struct Place:
    double threshold                 # Pa, pressure-pain threshold on 1 cm²
    double trigger                   # 0..1, how much of a trigger point it holds
    double release                   # 0..1
    double softening                 # 0..1, share of stiffness lost


cdef struct PersonData:
    PersonConstants c
    double period                    # s
    double breath_rate               # rad/s
    double breath_phase              # rad
    double time                      # s
    double startled                  # s, when it ends
    double pain                      # 0..10, felt
    double tone                      # 0..1, activation of the muscle
    double touch                     # 0..1, how much massage damps the reflex
    double guard                     # 0..1
    double speed                     # m/s of indentation, filtered
    double vagal
    double arousal
    double vagal_shift               # s of beat interval
    double arousal_shift             # s
    double jitter                    # s
    double beat                      # share of the beat that has passed
    double share                     # mean pressure over the threshold, last step
    Line accelerations
    Line speeds
    Line pains
    Line vagals
    Line arousals


cdef double tone_factor(const PersonData* p) noexcept nogil
cdef bint person_step(PersonData* p, Place* place, double force, double area, double rate, double own_tone,
                      double noise) noexcept nogil


cdef class Person:
    cdef PersonData data
    cdef Place place
    cdef readonly object constants
