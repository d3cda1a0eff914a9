"""Connections: every address is judged before it is connected to.

A name is looked up once per connection, and all of its addresses are judged. The connection goes to
a judged address itself, so there is no second look-up that could lead to another one. The peer is
checked once more after connecting. TLS and SNI use the name. ``http11`` imports h11, ``stream``
imports ssl, and both are themselves imported at the first fetch only.
"""
