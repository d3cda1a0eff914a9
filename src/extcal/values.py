"""``dataclass``, ``field``, ``replace`` and ``NamedTuple``, at less cost in a new process.

They mean what they mean in the standard library, for classes with slots. Type checkers see the
standard library's. Its module imports ``inspect`` and compiles six functions for each class, which
takes a third of the time until a new process has its first answer. Here only the parameters of
``__init__`` are compiled; all else are closures. What ``dataclasses.fields``, ``asdict`` and
``is_dataclass`` read is made by the standard library when it is first asked for.

``typing.NamedTuple`` compiles each annotation. Here they stay text, as in any other class.
"""

from __future__ import annotations

from collections import namedtuple
from itertools import repeat
from operator import attrgetter

__all__ = ["Generic", "NamedTuple", "dataclass", "field", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
    from typing import Generic, NamedTuple
else:
    _MISSING = object()
    _DECLARED = "__extcal_declared__"
    _set = object.__setattr__

    class _Factory:
        """The default of a parameter whose value is made at each call."""

        def __repr__(self):
            return "<factory>"

    _FACTORY = _Factory()

    class _Field:
        """One field: its default, and which methods it takes part in."""

        def __init__(self, default, default_factory, init, repr, compare):
            self.default, self.default_factory = default, default_factory
            self.init, self.repr, self.compare = init, repr, compare
            self.kw_only, self.annotation = False, ""

        @property
        def optional(self):
            return self.default is not _MISSING or self.default_factory is not _MISSING

        def standard(self):
            """The same as a field of the standard library."""
            import dataclasses

            options = {"init": self.init, "repr": self.repr, "compare": self.compare}
            if self.default is not _MISSING:
                options["default"] = self.default
            if self.default_factory is not _MISSING:
                options["default_factory"] = self.default_factory
            return dataclasses.field(**options, kw_only=self.kw_only)

    def field(*, default=_MISSING, default_factory=_MISSING, init=True, repr=True, compare=True):
        """See ``dataclasses.field``."""
        return _Field(default, default_factory, init, repr, compare)

    def dataclass(
        *,
        slots,
        frozen=False,
        kw_only=False,
        init=True,
        repr=True,
        eq=True,
    ):
        """See ``dataclasses.dataclass``; with ``slots`` always."""
        assert slots

        def made(cls):
            declared, own = _declared(cls, kw_only)
            body = {
                name: value
                for name, value in vars(cls).items()
                if name not in own and name not in ("__dict__", "__weakref__")
            }
            body["__qualname__"] = cls.__qualname__
            body["__slots__"] = tuple(own)
            body["__match_args__"] = tuple(
                name for name, one in declared.items() if one.init and not one.kw_only
            )
            body[_DECLARED] = declared
            for name in ("__dataclass_fields__", "__dataclass_params__"):
                body[name] = _Standard(name, frozen=frozen, repr=repr, eq=eq)
            if init:
                body.setdefault("__init__", _init(declared, body))
            for name, method in _methods(declared, frozen, repr, eq, body).items():
                body.setdefault(name, method)
            return type(cls)(cls.__name__, cls.__bases__, body)

        return made

    def replace(value, /, **changes):
        """See ``dataclasses.replace``."""
        for name, one in getattr(type(value), _DECLARED).items():
            if not one.init and name in changes:
                raise TypeError(
                    f"field {name} is declared with init=False, it cannot be specified with"
                    " replace()"
                )
            if one.init and name not in changes:
                changes[name] = getattr(value, name)
        return type(value)(**changes)

    def _declared(cls, kw_only):
        """All fields by name, those of the bases first; and those of ``cls`` itself."""
        declared = {}
        for base in reversed(cls.__mro__[1:]):
            declared |= vars(base).get(_DECLARED, {})
        own = []
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if annotation == "KW_ONLY":
                kw_only = True
                continue
            one = vars(cls).get(name, _MISSING)
            if not isinstance(one, _Field):
                one = _Field(one, _MISSING, True, True, True)
            one.kw_only, one.annotation = kw_only, annotation
            if name not in declared:
                own.append(name)
            declared[name] = one
        return declared, own

    def _init(declared, body):
        """``__init__``. Only its parameters are compiled: what it does is alike in all classes."""
        given = {name: one for name, one in declared.items() if one.init}
        fixed = [(name, one.default) for name, one in declared.items() if not one.init]
        made = [
            (name, one.default_factory)
            for name, one in declared.items()
            if one.default_factory is not _MISSING
        ]
        checked = "__post_init__" in body

        def fill(self, *values):
            for _ in map(_set, repeat(self), given, values):
                pass
            for name, value in fixed:
                if value is not _MISSING:
                    _set(self, name, value)
            for name, make in made:
                if name not in given or getattr(self, name) is _FACTORY:
                    _set(self, name, make())
            if checked:
                self.__post_init__()

        parameters = {False: ["self"], True: []}
        defaults = {False: [], True: {}}
        for name, one in given.items():
            parameters[one.kw_only].append(f"{name}=0" if one.optional else name)
            if one.optional:
                default = _FACTORY if one.default is _MISSING else one.default
                if one.kw_only:
                    defaults[True][name] = default
                else:
                    defaults[False].append(default)
        if parameters[True]:
            parameters[False].append("*")
        head = ", ".join(parameters[False] + parameters[True])
        names = {"fill": fill, "__name__": body["__module__"]}
        exec(f"def __init__({head}): fill({', '.join(['self', *given])})", names)
        init = names["__init__"]
        init.__defaults__, init.__kwdefaults__ = tuple(defaults[False]), defaults[True]
        init.__qualname__ = f"{body['__qualname__']}.__init__"
        init.__annotations__ = {name: one.annotation for name, one in given.items()}
        init.__annotations__["return"] = None
        return init

    def _methods(declared, frozen, repr_, eq, body):
        """What the standard library would add to the class, by name."""
        shown = [name for name, one in declared.items() if one.repr]
        key = _key([name for name, one in declared.items() if one.compare])
        methods = {"__replace__": replace}
        if repr_:

            def __repr__(self):
                try:
                    said = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
                except AttributeError:  # as extcal.arguments.safe_repr has it
                    return f"<{type(self).__name__}, not initialised>"
                return f"{type(self).__qualname__}({said})"

            methods["__repr__"] = __repr__
        if eq:

            def __eq__(self, other):
                if other.__class__ is self.__class__:
                    return key(self) == key(other)
                return NotImplemented

            if "__eq__" in body and body.get("__hash__", _MISSING) is None:
                del body["__hash__"]  # the interpreter's own, for a class that has an __eq__
            methods["__eq__"] = __eq__
            methods["__hash__"] = (lambda self: hash(key(self))) if frozen else None
        if frozen:
            methods |= {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
            methods |= _pickled(tuple(declared))
        return methods

    def _key(names):
        """A function from an object to the tuple of its values of ``names``."""
        if len(names) > 1:
            return attrgetter(*names)
        return lambda value: tuple([getattr(value, name) for name in names])

    def _pickled(names):
        def __getstate__(self):
            return [getattr(self, name) for name in names]

        def __setstate__(self, state):
            for name, value in zip(names, state, strict=False):
                _set(self, name, value)

        return {"__getstate__": __getstate__, "__setstate__": __setstate__}

    def _refuse_set(self, name, value):
        from dataclasses import FrozenInstanceError

        del value  # an address, as in feed.url = "https://..."
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    class _Standard:
        """An attribute that the standard library gives its dataclasses, made when it is read."""

        def __init__(self, name, **options):
            self.name, self.options = name, options

        def __get__(self, value, cls):
            import dataclasses

            declared = getattr(cls, _DECLARED)
            body = {name: one.standard() for name, one in declared.items()}
            body["__annotations__"] = {name: one.annotation for name, one in declared.items()}
            body |= {"__module__": cls.__module__, "__doc__": "", "__init__": None}
            twin = dataclasses.dataclass(type(cls.__name__, (), body), init=False, **self.options)
            made = getattr(twin, self.name)
            setattr(cls, self.name, made)
            return made

    class _Record(type):
        """Makes a named tuple of each class that is derived from ``NamedTuple``."""

        def __new__(meta, name, bases, body):
            if not bases:
                return super().__new__(meta, name, bases, body)
            annotations = body.pop("__annotations__", {})
            defaults = [body.pop(field) for field in annotations if field in body]
            module = body.pop("__module__")
            made = namedtuple(name, annotations, defaults=defaults, module=module)
            made.__annotations__ = made.__new__.__annotations__ = annotations
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class Generic:
        """See ``typing.Generic``."""

        def __class_getitem__(cls, parameters):
            return cls

    class NamedTuple(metaclass=_Record):
        """See ``typing.NamedTuple``."""
