"""What runs when libvirt calls a hook; see hook.py, which is its face.

Must import nothing but the standard library's smallest modules: every guest's start waits here.
"""
