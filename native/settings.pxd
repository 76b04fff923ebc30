"""Gains and limits of the controller as one C struct; meaning, units, defaults and sources are in settings.py."""

from massage_arm.native.model cimport MAX_JOINTS


cdef struct Settings:
    double torque_limit[MAX_JOINTS]
    double torque_rate[MAX_JOINTS]
    double lower[MAX_JOINTS]
    double upper[MAX_JOINTS]
    double compensate[3]             # m/s²: the gravity that the command must carry, base axes
    double payload_mass              # kg whose weight the command carries on top of that
    double payload_com[3]            # m, of the same, seen from the TCP, tool axes
    double sensor_turn[9]            # sensor axes to tool axes
    double sensor_shift[3]           # m, sensor origin seen from the TCP, tool axes
    double tool_mass                 # kg beyond the sensor
    double tool_com[3]               # m, sensor axes
    double gravity[3]                # m/s², base axes
    int response[32]                 # Level of each bit of Cause, from `RESPONSE` in states.py
    double period
    double damping_ratio
    double normal_damping
    double force_kp
    double force_ki
    double swing_time
    double swing_force
    double swing_share
    double swing_gain
    double swing_recovery
    double force_feedback_max
    double force_max
    double force_rate_max
    double force_filter
    double wave_rate_max
    double wave_slope_max
    double wave_growth
    double wave_rate_growth
    double wave_memory
    double wave_moving
    double wave_spread
    double wave_softest
    double wave_stiffest
    double wave_stiffening
    double wave_speed_max
    double wave_smoothing
    double wave_acceleration_max
    double wave_ahead
    double wave_delay
    double wave_learning
    double wave_learnt_max
    double wave_learnt_rate_max
    double wave_lead
    double wave_lead_max
    double release_rate
    double drop_rate
    double inward_margin
    double fade_speed
    double fade_width
    double release_damping
    double stiffness_max
    double stiffness_normal_max
    double stiffness_rotational_max
    double stiffness_rate
    double position_clip
    double rotation_clip
    double wrench_margin
    double moment_max
    double speed_max
    double turn_rate_max
    double approach_speed_max
    double approach_speed_min
    double approach_lead
    double sag_force_max
    double touch_force
    double touch_time
    double settle_time
    double lost_force
    double lost_time
    double search_depth
    double approach_time_max
    double leak_rate
    double loss_free
    double loss_width
    double retract_distance
    double retract_speed
    double flight_speed
    double flight_lead
    double stop_torque_rate
    double yield_after
    double yield_force
    double sensor_timeout
    double free_force_max
    double jump_position
    double jump_angle
    double push_out_force
    double push_out_speed
    double push_out_until
    double push_out_time
    double brake_time
    double brake_max
    double tank_begin
    double tank_max
    double tank_low
    double tank_high
    double tank_refill
    double observer_bandwidth
    double observer_weakest
    double posture_stiffness
    double posture_damping
    double posture_max
    double wall_width
    double wall_stiffness
    double wall_damping
    double wall_max
    double mobility_eps_linear
    double mobility_eps_angular
