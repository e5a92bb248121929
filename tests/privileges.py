"""Processes of root that file modes restrict, as they restrict other users."""

import ctypes
import os

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h


def drop_privileges() -> None:
    """Drop root's right to ignore file modes. For subprocess's preexec_fn.

    The process stays the same user's, so it can still enter the folders of the tests and of Python.
    """
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError("cannot drop a capability")
