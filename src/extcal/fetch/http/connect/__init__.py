"""httpcore2's network, ours: every address is vetted before it is connected to.

A name is looked up once per hop, all of its answers are judged, and the connection goes to the
judged address itself, so that a second look-up can never lead elsewhere; the peer is checked once
more after connecting. TLS and SNI go by name. ``backend`` and ``guard``
import httpcore2, and are themselves imported at the first fetch only.
"""
