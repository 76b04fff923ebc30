"""Soft tissue under the tool tip. See tissue.pyx."""

cdef struct Surface:
    int nx
    int ny
    double x0                        # m, where coefficient (0, 0) stands
    double y0
    double spacing                   # m
    const double* coefficients       # (nx, ny) of a uniform cubic B-spline, m


cdef struct TissueData:
    Surface surface
    double k0                        # N/m at first touch
    double beta                      # 1/m
    double bone_depth                # m
    double bone                      # N/m^1.5
    double share[3]                  # of the elastic force that relaxes
    double tau[3]                    # s
    double damping                   # s/m: F grows by (1 + damping * rate)
    double friction                  # Coulomb, kinetic
    double shear                     # N/m of the skin before it slips
    double relaxing[3]               # N, memory
    double elastic                   # N, memory
    double bristle[3]                # m, memory: skin displacement


cdef void surface_at(const Surface* s, double x, double y, double* out) noexcept nogil
cdef double tissue_step(TissueData* t, const double* p, const double* v, double lift, double lift_rate, double dt,
                        double* force) noexcept nogil


cdef class Tissue:
    cdef TissueData data
    cdef object coefficients
