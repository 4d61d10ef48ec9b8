"""The same build on several hosts: the gain of each further host, and proof that losing one loses nothing.

Hosts are network namespaces of this machine, joined by a bridge, each with a share of a core. That takes root on Linux.
"""
