"""A world that pushes back: PyBullet, a simulated arm and person, disturbances, the press and its bench."""
