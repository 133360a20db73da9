#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans from a domain XML and a host's snapshot, prints the findings and the diff:
./plan.py z-k8s-n-1.xml hosts/p10.json"""
import contextlib
import ctypes as c
import pathlib
import sys

class Finding(c.Structure):
    _fields_ = [("number", c.c_uint), ("severity", c.c_int), ("subject", c.c_char_p),
                ("text", c.c_char_p), ("remedy", c.c_char_p),
                ("line", c.c_size_t), ("column", c.c_size_t)]

class DiffOptions(c.Structure):
    _fields_ = [("old", c.c_char_p), ("new", c.c_char_p),
                ("context", c.c_uint), ("redact", c.c_bool)]

lib, free = c.CDLL("libgpupt.so.0"), c.CDLL(None).free
lib.gpupt_error_get_message.restype = lib.gpupt_error_get_file.restype = c.c_char_p
lib.gpupt_error_get_line.restype = lib.gpupt_error_get_column.restype = c.c_size_t
lib.gpupt_request_new.restype, lib.gpupt_verdict_name.restype = c.c_void_p, c.c_char_p
lib.gpupt_plan_get_findings.restype = c.POINTER(Finding)

def make(stack, release, function, *arguments, more=()):
    """Returns what a function makes; the stack frees it. Raises the library's message."""
    made, error = c.c_void_p(), c.c_void_p()
    if function(*arguments, c.byref(made), *more, c.byref(error)) == 0:
        stack.callback(release, made)
        return made
    stack.callback(lib.gpupt_error_free, error)
    message, file = lib.gpupt_error_get_message(error), lib.gpupt_error_get_file(error)
    line, column = lib.gpupt_error_get_line(error), lib.gpupt_error_get_column(error)
    raise RuntimeError(((b"%s:%d:%d: " % (file, line, column) if file else b"") + message).decode())

def main(domain_file, host_file):
    xml, json = pathlib.Path(domain_file).read_bytes(), pathlib.Path(host_file).read_bytes()
    length, size, count = c.c_size_t(len(xml)), c.c_size_t(len(json)), c.c_size_t()
    with contextlib.ExitStack() as stack:
        domain = make(stack, lib.gpupt_domain_free, lib.gpupt_domain_parse,
                      xml, length, domain_file.encode())
        host = make(stack, lib.gpupt_inventory_free, lib.gpupt_inventory_parse,
                    json, size, host_file.encode())
        request = c.c_void_p(lib.gpupt_request_new())
        stack.callback(lib.gpupt_request_free, request)
        plan = make(stack, lib.gpupt_plan_free, lib.gpupt_plan_make, domain, host, request)
        print("verdict:", lib.gpupt_verdict_name(lib.gpupt_plan_get_verdict(plan)).decode())
        for finding in lib.gpupt_plan_get_findings(plan, c.byref(count))[:count.value]:
            print(f"{finding.subject.decode()}: {finding.text.decode()}")
        text = make(stack, free, lib.gpupt_plan_apply, plan, domain, more=[c.byref(size)])
        options = DiffOptions(b"a/vm.xml", b"b/vm.xml", 3, True)
        diff = make(stack, free, lib.gpupt_diff, xml, length, text, size, c.byref(options),
                    more=[c.byref(size), None])
        print(c.string_at(diff, size.value).decode(), end="")
        return lib.gpupt_plan_get_status(plan) != 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
