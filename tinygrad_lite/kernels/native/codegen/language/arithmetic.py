"""`Writer`: arithmetic on numbers, as LLVM's instructions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .kinds import BOOL, FLOAT64, INT64, Number, Unsupported, computed, plain, wider
from .values import WORD, Constant, NumberType, Scalar, Value


class Writer:
    """Writes a function's instructions.

    Parameters
    ----------
    builder : llvmlite's IRBuilder
    entry : block
        Where variables live.
    flags : tuple of str
        What LLVM may do to floats.
    """

    def __init__(self, builder: Any, entry: Any, flags: tuple[str, ...]) -> None:
        self.builder, self.entry, self.flags = builder, entry, flags

    def room(self, kind: Any, count: int | None = None) -> Any:
        """Memory on the stack, of the whole call."""
        with self.builder.goto_block(self.entry):
            return self.builder.alloca(kind, count)

    def intrinsic(self, name: str, *args: Any) -> Any:
        """A call of one of LLVM's own functions of numbers of one type."""
        kinds = [a.type for a in args]
        function = self.builder.module.declare_intrinsic(name, kinds[:1], ir.FunctionType(kinds[0], kinds))
        return self.builder.call(function, args, fastmath=self._of(kinds[0]))

    def _of(self, kind: Any) -> tuple[str, ...]:
        return self.flags if isinstance(kind, (ir.FloatType, ir.DoubleType)) else ()

    def foreign(self, name: str, result: Any, args: list[Any]) -> Any:
        """A call of a function of the C library, or of Python's."""
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(result, [a.type for a in args]), name)
        return self.builder.call(function, args, fastmath=self._of(result))

    # --- numbers

    def from_word(self, kind: Number, bits: Any) -> Any:
        """A number's LLVM value, of the word that holds it."""
        if kind.family == "f":
            narrow = bits if kind.size == 8 else self.builder.trunc(bits, ir.IntType(32))
            return self.builder.bitcast(narrow, kind.ir)
        return bits if kind.ir == WORD else self.builder.trunc(bits, kind.ir)

    def store_word(self, value: Scalar, place: Any) -> None:
        """Write a number as a word: floats as doubles."""
        floating = value.kind.family == "f"
        bits = self.bits(value, FLOAT64 if floating else INT64)
        self.builder.store(self.builder.bitcast(bits, WORD) if floating else bits, place)

    def bits(self, value: Value, kind: Number) -> Any:
        """A number's LLVM value, as one of another type."""
        if isinstance(value, Constant):
            known = value.value
            if kind.family == "f":
                return ir.Constant(kind.ir, float(known))
            if kind.family == "b":
                return ir.Constant(kind.ir, int(bool(known)))
            if not -(1 << 63) <= known < 1 << 64:
                raise Unsupported(f"{known} as an integer")
            return ir.Constant(kind.ir, int(known))
        if not isinstance(value, Scalar):
            raise Unsupported(f"{value.kind} where a number is needed")
        return _converted(self.builder, value, kind)

    def cast(self, value: Value, kind: Number) -> Scalar:
        """A number of another type."""
        before = plain(value.kind)
        fits = not isinstance(before, Number) or before.family == "f" or _fits(before, kind)
        return Scalar(kind, self.bits(value, kind), kind.family in "bu" or (value.positive and fits))

    def intp(self, value: Value) -> Any:
        """An integer as a word."""
        number = plain(value.kind)
        if not isinstance(number, Number) or number.family == "f":
            raise Unsupported("a float where an integer is needed")
        return self.bits(value, INT64)

    def truth(self, value: Value) -> Any:
        """Whether a number is not 0."""
        return self.bits(value, BOOL)

    def arithmetic(self, sign: str, a: Value, b: Value) -> Value:
        """What Python's operator of two numbers gives."""
        if isinstance(a, Constant) and isinstance(b, Constant) and not (sign in ("/", "//", "%") and b.value == 0):
            try:
                known = _PYTHON[sign](a.value, b.value)
                float(known)
            except (ArithmeticError, TypeError, ValueError) as error:  # Python raises it when the line is reached
                raise Unsupported(f"{a.value} {sign} {b.value}: {error}") from None
            return Constant(known)
        one, two = _number(a), _number(b)
        if sign in ("<<", ">>"):
            return self._shift(sign, a, b, one, two)
        if sign == "**":
            return self._power(a, b)
        both = computed(one, two)
        if sign == "/" and both.family != "f":
            both = FLOAT64
        if sign in "&|^" and BOOL == one == two:
            both = BOOL
        x, y = self.bits(a, both), self.bits(b, both)
        if both.family == "f":
            if sign not in _FLOATS:
                raise Unsupported(f"{sign} of floats")
            return Scalar(both, getattr(self.builder, _FLOATS[sign])(x, y, flags=self.flags))
        if sign in ("//", "%"):
            return self._divided(sign, a, b, both, x, y)
        positive = both.family in "bu" or (a.positive and b.positive and sign != "-")
        return Scalar(both, getattr(self.builder, _INTEGERS[sign])(x, y), positive or (sign == "&" and b.positive))

    def _shift(self, sign: str, a: Value, b: Value, one: Number, two: Number) -> Scalar:
        kind = computed(one, one)
        if "f" in (one.family, two.family):
            raise Unsupported("a shift of floats")
        x, y = self.bits(a, kind), self.bits(b, kind)
        right = self.builder.lshr if kind.family == "u" else self.builder.ashr
        found = self.builder.shl(x, y) if sign == "<<" else right(x, y)
        return Scalar(kind, found, kind.family == "u" or (a.positive and sign == ">>"))

    def _divided(self, sign: str, a: Value, b: Value, kind: Number, x: Any, y: Any) -> Scalar:
        """The floor of a quotient, or what is left; 0 where the divisor is.

        Processors stop a program that divides by 0, or the least integer by -1: in both cases 1 is divided by, which
        leaves 0, and the quotient is a product.
        """
        write, signed = self.builder, kind.family == "i" and not (a.positive and b.positive)
        zero, one = ir.Constant(kind.ir, 0), ir.Constant(kind.ir, 1)
        if isinstance(b, Constant) and b.value not in (0, -1):
            stops, divisor = None, y
        else:
            stops = write.icmp_unsigned("<=", write.add(y, one), one) if signed else write.icmp_unsigned("==", y, zero)
            divisor = write.select(stops, one, y)
        if not signed:
            found = (write.udiv if sign == "//" else write.urem)(x, divisor)
        else:
            rest = write.srem(x, divisor)
            off = write.and_(
                write.icmp_signed("!=", rest, zero), write.icmp_signed("<", write.xor(rest, divisor), zero)
            )
            if sign == "%":
                found = write.add(rest, write.select(off, divisor, zero))
            else:
                found = write.sub(write.sdiv(x, divisor), write.zext(off, kind.ir))
        if stops is not None and sign == "//":
            found = write.select(stops, write.mul(x, y), found)
        return Scalar(kind, found, not signed or (sign == "%" and b.positive))

    def _power(self, a: Value, b: Value) -> Value:
        """A number multiplied with itself."""
        if not isinstance(b, Constant) or not isinstance(b.value, int) or isinstance(b.value, bool):
            both = wider(_number(a), _number(b))
            if both.family != "f":
                raise Unsupported("a power of integers that is not known")
            return Scalar(both, self.intrinsic("llvm.pow", self.bits(a, both), self.bits(b, both)))
        kind, left, found = _number(a), abs(b.value), None
        kind = kind if kind.family == "f" else computed(kind, kind)
        if b.value < 0 and kind.family != "f":
            raise Unsupported("a negative power of an integer")
        square: Value = self.cast(a, kind)
        while left:
            if left & 1:
                found = square if found is None else self.arithmetic("*", found, square)
            left >>= 1
            if left:
                square = self.arithmetic("*", square, square)
        found = self.cast(Constant(1), kind) if found is None else found
        return found if b.value >= 0 else self.arithmetic("/", self.cast(Constant(1), kind), found)

    def compare(self, sign: str, a: Value, b: Value) -> Value:
        """Whether two numbers, or types of numbers, are so."""
        if isinstance(a, NumberType) and isinstance(b, NumberType) and sign in ("==", "!="):
            return Constant((a.number == b.number) == (sign == "=="))
        if isinstance(a, Constant) and isinstance(b, Constant):
            return Constant(_COMPARE[sign](a.value, b.value))
        both = wider(_number(a), _number(b))
        x, y = self.bits(a, both), self.bits(b, both)
        if both.family == "f":
            compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return Scalar(BOOL, compare(sign, x, y, flags=self.flags), True)
        compare = self.builder.icmp_signed if both.family == "i" else self.builder.icmp_unsigned
        return Scalar(BOOL, compare(sign, x, y), True)

    def negative(self, a: Value) -> Value:
        """-a."""
        if isinstance(a, Constant):
            return Constant(-a.value)
        kind = _number(a)
        if kind.family == "f":
            return Scalar(kind, self.builder.fneg(a.ir, flags=self.flags))
        kind = INT64 if kind == BOOL else kind  # which it stays, as NumPy's do
        return Scalar(kind, self.builder.neg(self.bits(a, kind)), kind.family == "u")

    def invert(self, a: Value) -> Value:
        """Not a."""
        if isinstance(a, Constant):
            return Constant(not a.value)
        return Scalar(BOOL, self.builder.not_(self.truth(a)), True)

    def select(self, condition: Any, a: Value, b: Value) -> Value:
        """One of two numbers, both computed."""
        both = _number(a) if a.kind == b.kind else wider(_number(a), _number(b))
        found = self.builder.select(condition, self.bits(a, both), self.bits(b, both))
        return Scalar(both, found, a.positive and b.positive)

    def extreme(self, sign: str, values: list[Value]) -> Value:
        """Python's `min` or `max`: a later one only if it is beyond those before."""
        if all(isinstance(v, Constant) for v in values):
            return Constant((min if sign == "<" else max)(v.value for v in values))
        both = _number(values[0])
        for v in values[1:]:
            both = wider(both, _number(v))
        found = self.cast(values[0], both)
        for v in values[1:]:
            other = self.cast(v, both)
            beyond = self.compare(sign, other, found).ir
            any_, all_ = found.positive or other.positive, found.positive and other.positive
            positive = all_ if sign == "<" or both.family == "f" else any_
            found = Scalar(both, self.builder.select(beyond, other.ir, found.ir), positive)
        return found


def _fits(a: Number, b: Number) -> bool:
    """Whether integers of a type that are not negative are not so in another."""
    return b.family == "f" or a.size < b.size + (a.family == b.family)


def _number(value: Value) -> Number:
    kind = plain(value.kind)
    if not isinstance(kind, Number):
        raise Unsupported(f"{kind} where a number is needed")
    return kind


def _converted(builder: Any, value: Scalar, kind: Number) -> Any:
    """A number's bits in another type."""
    one, x = value.kind, value.ir
    if one == kind:
        return x
    signed = one.family == "i"
    if kind.family == "b":
        zero = ir.Constant(one.ir, 0)
        return builder.fcmp_unordered("!=", x, zero) if one.family == "f" else builder.icmp_unsigned("!=", x, zero)
    if one.family == "f":
        if kind.family == "f":
            return builder.fpext(x, kind.ir) if kind.size > one.size else builder.fptrunc(x, kind.ir)
        return builder.fptosi(x, kind.ir) if kind.family == "i" else builder.fptoui(x, kind.ir)
    if kind.family == "f":
        return builder.sitofp(x, kind.ir) if signed else builder.uitofp(x, kind.ir)
    if x.type.width < kind.ir.width:
        return builder.sext(x, kind.ir) if signed else builder.zext(x, kind.ir)
    return builder.trunc(x, kind.ir) if x.type.width > kind.ir.width else x


_FLOATS = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_INTEGERS = {"+": "add", "-": "sub", "*": "mul", "&": "and_", "|": "or_", "^": "xor"}
_PYTHON: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "<<": operator.lshift, ">>": operator.rshift, "&": operator.and_,
    "|": operator.or_, "^": operator.xor,
}  # fmt: skip
_COMPARE: dict[str, Callable[..., Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
