"""Soft tissue under the tool tip. See tissue.pyx."""

from massage_arm.native.person cimport Place

cdef enum:
    LAW = 6                          # k0 N/m, beta 1/m, bone depth m, bone N/m^1.5, threshold Pa, trigger point 0..1
    MEMORY = 7                       # three relaxing forces N, elastic force N, release, softening, time s


cdef struct Surface:
    int nx
    int ny
    double x0                        # m, where coefficient (0, 0) stands
    double y0
    double spacing                   # m
    const double* coefficients       # (nx, ny) of a uniform cubic B-spline, m


cdef struct Cells:
    int nx
    int ny
    double x0                        # m, where cell (0, 0) stands
    double y0
    double spacing                   # m
    const double* law                # (nx, ny, LAW)
    double* memory                   # (nx, ny, MEMORY)


cdef struct TissueData:
    Surface surface
    Cells cells
    double share[3]                  # of the elastic force that relaxes
    double tau[3]                    # s
    double damping                   # s/m: F grows by (1 + damping * rate)
    double friction                  # Coulomb, kinetic
    double shear                     # N/m of the skin before it slips
    double trigger_stiffening        # a place with a trigger point is 1 + this times as stiff
    double softening_return          # s, as in person_constants.py, for places that are not touched
    double release_return            # s
    double bristle[3]                # m, memory: skin displacement
    double time                      # s
    double law[4]                    # at the place
    Place place                      # under the tip
    int corner[4]                    # cells around the tip
    double weight[4]
    double depth                     # m
    double rate                      # m/s, of sinking in
    double normal                    # N


cdef void surface_at(const Surface* s, double x, double y, double* out) noexcept nogil
cdef void find_place(TissueData* t, double x, double y) noexcept nogil
cdef void tissue_step(TissueData* t, const double* p, const double* v, double lift, double lift_rate, double tone_factor,
                      double dt, double* force) noexcept nogil
cdef void keep_place(TissueData* t) noexcept nogil


cdef class Tissue:
    cdef TissueData data
    cdef object coefficients
    cdef readonly object law
    cdef readonly object memory
