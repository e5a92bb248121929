"""Rotations that finish by themselves."""
