"""The same build on several hosts: what one more of them adds, and that losing one loses nothing.

Hosts are network namespaces of this machine, joined by a bridge, each with a share of a core. That takes root on Linux.
"""
