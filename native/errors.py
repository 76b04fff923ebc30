"""The one error for bad input: says what is wrong, where, and what is allowed."""


class InputError(ValueError):
    """Something given from outside (file, argument, URDF, set-up) cannot be used; nothing has moved.

    The message is one line for a person: what, where (file and line, key, joint …), the value, what is allowed.
    """
