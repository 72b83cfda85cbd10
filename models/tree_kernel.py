"""Machine code that walks packed trees: a few loops, built for this processor when first needed.

What it computes, for rows x (n, k), in Python::

    for first in range(0, n, BLOCK):                    # few rows, so that they stay in the cache
        for i in range(min(BLOCK, n - first)):
            for j in range(k):
                image[i, j] = x[first + i, j]                           # NaN goes right:
                image[i, k + j] = -inf if isnan(image[i, j]) else image[i, j]   # or left
        for tree in range(trees):
            node[:] = roots[tree]
            for _ in range(depth):                      # no branch depends on a row's values
                for i in range(min(BLOCK, n - first)):
                    node[i] = right[node[i]] + (image[i, column[node[i]]] < threshold[node[i]])
            for i in range(min(BLOCK, n - first)):
                out[first + i, group[tree]] += value[node[i]]

The rows of a last, smaller block fall one by one. A left child lies behind its right sibling: where
both are is read while the row is compared. Boosters compare so, and add float32; forests ask
whether it is `<=`, and add float64. Additions happen in the order of the trees, as in the
libraries.

LLVM's code generator alone (`llvmlite`, a part of Numba) is loaded, not Numba's compiler: it is
sooner there, needs no cache of code on disk, and shares most of its memory with all replicas.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

BLOCK = 32
"""Rows whose images lie in the caller's scratch: float32 (BLOCK, 2k)."""
_INDEX, _COUNT = ir.IntType(32), ir.IntType(64)
_FLOAT = ir.FloatType()
_LEFT = {"float32": "<", "float64": "<="}
"""The type of the values, and what sends a row to the left."""
ARRAYS = ("column", "threshold", "right", "value", "roots", "group")
COUNTS = ("columns", "groups", "trees", "depth")
_compiling = Lock()

Walk = Callable[[int, int, int, int, int], None]
"""Takes the addresses of x, image and out, the number of rows, and the address of the trees.

The trees are int64: the addresses of `ARRAYS`, then the numbers of `COUNTS`.
"""


def walk(values: np.dtype[Any]) -> Walk:
    """Return the code for boosters (leaves are float32) or forests (float64); it needs no GIL.

    Indices are uint32, thresholds and rows float32, all arrays C-contiguous. It checks nothing:
    whoever calls it has made sure that no index points outside.
    """
    with _compiling:
        return _compiled(values.name)[0]


@lru_cache(maxsize=len(_LEFT))
def _compiled(values: str) -> tuple[Walk, Any]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    module = llvm.parse_assembly(str(_module(values)))
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    address = ctypes.c_void_p
    kind = ctypes.CFUNCTYPE(None, address, address, address, ctypes.c_int64, address)
    call = kind(engine.get_function_address("walk"))
    return call, engine  # the code lives as long as its engine


def _module(kind_of_values: str) -> ir.Module:
    module = ir.Module()
    values = _FLOAT if kind_of_values == "float32" else ir.DoubleType()
    types = {"x": _FLOAT, "image": _FLOAT, "out": values, "rows": _COUNT, "trees": _COUNT}
    kinds = [kind if name == "rows" else kind.as_pointer() for name, kind in types.items()]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "walk")
    builder = ir.IRBuilder(function.append_basic_block())
    named = dict(zip(types, function.args, strict=True))
    trees = named.pop("trees")
    types = dict.fromkeys(ARRAYS, _INDEX) | {"threshold": _FLOAT, "value": values}
    for place, name in enumerate(ARRAYS + COUNTS):
        word = builder.load(builder.gep(trees, [_count(place)]))
        array = name in ARRAYS
        named[name] = builder.inttoptr(word, types[name].as_pointer()) if array else word
    _Body(builder, named, _LEFT[kind_of_values]).build()
    builder.ret_void()
    return module


class _Body:
    """Builds the loops of the module docstring, innermost last."""

    def __init__(self, builder: ir.IRBuilder, named: dict[str, Any], left: str) -> None:
        self.do = builder
        self.named = named
        self.left = left
        self.node = builder.alloca(_INDEX)
        self.nodes = builder.alloca(ir.ArrayType(_INDEX, BLOCK))

    def build(self) -> None:
        do, named = self.do, self.named
        blocks = do.udiv(do.add(named["rows"], _count(BLOCK - 1)), _count(BLOCK))
        with self.each(blocks) as block:
            first = do.mul(block, _count(BLOCK))
            left = do.sub(named["rows"], first)
            rows = do.select(do.icmp_unsigned("<", left, _count(BLOCK)), left, _count(BLOCK))
            with self.each(rows) as i:
                self.see(first, i)
            full = do.icmp_unsigned("==", rows, _count(BLOCK))
            with do.if_else(full) as (whole, part):
                with whole, self.each(named["trees"]) as tree:
                    self.fall_together(first, tree)
                with part, self.each(named["trees"]) as tree, self.each(rows) as i:
                    self.fall(first, i, tree)

    def see(self, first: Any, i: Any) -> None:
        """Write the two images of row *i*."""
        do, columns = self.do, self.named["columns"]
        with self.each(columns) as j:
            seen = self.get("x", do.add(do.mul(do.add(first, i), columns), j))
            known = do.fcmp_ordered("ord", seen, seen)
            low = do.select(known, seen, ir.Constant(_FLOAT, float("-inf")))
            place = do.add(do.mul(i, do.shl(columns, _count(1))), j)
            self.put("image", place, seen)
            self.put("image", do.add(place, columns), low)

    def fall(self, first: Any, i: Any, tree: Any) -> None:
        """Let row *i* fall through *tree* and add where it lands."""
        do = self.do
        do.store(self.get("roots", tree), self.node)
        with self.each(self.named["depth"]):
            self.step(i, self.node)
        self.add(first, i, tree, self.node)

    def fall_together(self, first: Any, tree: Any) -> None:
        """Let a whole block fall through *tree*, level by level: several rows at a time."""
        do, root = self.do, self.get("roots", tree)
        with self.each(_count(BLOCK)) as i:
            do.store(root, self.at(i))
        with self.each(self.named["depth"]), self.each(_count(BLOCK)) as i:
            self.step(i, self.at(i))
        with self.each(_count(BLOCK)) as i:
            self.add(first, i, tree, self.at(i))

    def step(self, i: Any, at: Any) -> None:
        """Let row *i* fall by one level: from the node that *at* points to, to its child."""
        do = self.do
        node = do.zext(do.load(at), _COUNT)
        row = do.mul(i, do.shl(self.named["columns"], _count(1)))
        column = do.zext(self.get("column", node), _COUNT)
        seen = self.get("image", do.add(row, column))
        left = do.fcmp_ordered(self.left, seen, self.get("threshold", node))
        do.store(do.add(self.get("right", node), do.zext(left, _INDEX)), at)

    def add(self, first: Any, i: Any, tree: Any, at: Any) -> None:
        """Add the value of the node that *at* points to to what *tree* says of row *i*."""
        do, groups = self.do, self.named["groups"]
        group = do.zext(self.get("group", tree), _COUNT)
        place = do.add(do.mul(do.add(first, i), groups), group)
        value = self.get("value", do.zext(do.load(at), _COUNT))
        self.put("out", place, do.fadd(self.get("out", place), value))

    def at(self, i: Any) -> Any:
        """Point to where the node of row *i* of a block is kept."""
        return self.do.gep(self.nodes, [_count(0), i])

    def get(self, name: str, place: Any) -> Any:
        return self.do.load(self.do.gep(self.named[name], [place]))

    def put(self, name: str, place: Any, value: Any) -> None:
        self.do.store(value, self.do.gep(self.named[name], [place]))

    @contextmanager
    def each(self, count: Any) -> Iterator[Any]:
        """Build a loop over 0, 1, ... *count* - 1 around what is built inside."""
        do, before = self.do, self.do.block
        head, body, after = (do.append_basic_block(name) for name in ("head", "body", "after"))
        do.branch(head)
        do.position_at_end(head)
        place = do.phi(_COUNT)
        place.add_incoming(_count(0), before)
        do.cbranch(do.icmp_unsigned("<", place, count), body, after)
        do.position_at_end(body)
        yield place
        place.add_incoming(do.add(place, _count(1)), do.block)
        do.branch(head)
        do.position_at_end(after)


def _count(number: int) -> Any:
    return ir.Constant(_COUNT, number)
