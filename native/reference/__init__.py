"""The compiled core once more, in plain NumPy: the specification that the tests hold the compiled code against."""

from .dynamics import bias, forward, gravity, jacobian, mass_matrix
from .law import ReferenceController
from .tissue import ReferenceTissue

__all__ = [
    "ReferenceController",
    "ReferenceTissue",
    "bias",
    "forward",
    "gravity",
    "jacobian",
    "mass_matrix",
]
