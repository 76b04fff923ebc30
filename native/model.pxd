"""Rigid-body model of a serial arm: what it is made of, and one fused pass over it. See model.pyx."""

cdef enum:
    MAX_JOINTS = 10


cdef struct Model:
    int n                            # moving joints
    int revolute[MAX_JOINTS]         # 0: prismatic
    double turn[MAX_JOINTS][9]       # joint frame in the one before it, at q = 0
    double shift[MAX_JOINTS][3]      # m
    double mass[MAX_JOINTS]          # kg
    double com[MAX_JOINTS][3]        # m, joint axes
    double inertia[MAX_JOINTS][6]    # kg m², about the com, joint axes
    double tip_turn[9]               # TCP in the last joint's frame
    double tip_shift[3]
    double gravity[3]                # m/s², base axes


cdef struct Pose:
    double rotation[9]
    double position[3]


cdef struct Kinematics:
    double turn[MAX_JOINTS][9]       # joint frames in the base
    double shift[MAX_JOINTS][3]
    double screw[MAX_JOINTS][6]      # joint motion: angular, then velocity of the point at the base origin
    Pose tip


cdef struct Dynamics:
    Kinematics k
    double jacobian[6][MAX_JOINTS]   # linear, then angular, at the TCP, base axes
    double twist[6]                  # of the TCP
    double mass[MAX_JOINTS][MAX_JOINTS]
    double bias[MAX_JOINTS]          # Coriolis, centrifugal and the gravity that was asked for
    double momentum[MAX_JOINTS][10]  # scratch: composite mass, first moment, inertia about the base origin
    double force[MAX_JOINTS][6]      # scratch: angular, linear


cdef void model_kinematics(const Model* m, const double* q, Kinematics* k) noexcept nogil
cdef void model_jacobian(const Model* m, const Kinematics* k, double jacobian[6][MAX_JOINTS]) noexcept nogil
cdef void model_dynamics(const Model* m, const double* q, const double* dq, const double* gravity,
                         Dynamics* d) noexcept nogil
cdef void add_weight(const Dynamics* d, int n, double mass, const double* com, const double* gravity,
                     double* torque) noexcept nogil


cdef class ArmModel:
    cdef Model model
    cdef Dynamics scratch
    cdef readonly object chain
    cdef int _read(self, object values, const char* name, double* out) except -1
