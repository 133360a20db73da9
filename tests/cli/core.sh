#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A process that has read passwords leaves no core dump behind.
. "$SOURCE/tests/cli/lib.sh"
command -v python3 >/dev/null || skip "no python3"

cat >core.py <<'END'
import os, resource, signal, subprocess, sys, time

def dumps_core(command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    child.stdin.write(b"<domain><graphics passwd='planted")
    child.stdin.flush()
    for _ in range(200):  # until it waits for the rest of its input
        with open(f"/proc/{child.pid}/stat") as stat:
            if stat.read().split()[2] == "S":
                break
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGQUIT)
    return os.WCOREDUMP(os.waitpid(child.pid, 0)[1])

signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # what starts tests may ignore it
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
if not dumps_core(["cat"]):
    sys.exit(77)
sys.exit(dumps_core(sys.argv[1:]))
END
for command in diff patch explain; do
	status=0
	python3 core.py "$GPUPT_XML" $command - "$p10" || status=$?
	[ $status != 77 ] || skip "nothing dumps core here"
	[ $status = 0 ] || fail "$command dumps core"
done
finish
