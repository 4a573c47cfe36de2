"""Processes that are ranks, and what one knows of the others.

mpi.py        whether a launcher of MPI started this one; the import of mpi4py
alone.py      one process in place of MPI
board.py      the last line of each rank, and notes of those that leave
watcher.py    a process beside the ranks that says which one died first
"""
