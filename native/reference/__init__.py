"""The compiled core once more, in plain NumPy: the specification that the tests hold the compiled code against."""

from .dynamics import bias, forward, gravity, jacobian, mass_matrix
from .law import ReferenceController
from .person import Place, ReferencePerson
from .tissue import ReferenceTissue

__all__ = [
    "Place",
    "ReferenceController",
    "ReferencePerson",
    "ReferenceTissue",
    "bias",
    "forward",
    "gravity",
    "jacobian",
    "mass_matrix",
]
