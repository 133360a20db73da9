#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the recipes of examples/review as a forge's runner and pre-commit do: their steps,
taken from the YAML, in a fresh clone of a repository of definitions, in which there is
nothing to do, something would change, or a file is broken.
  review.py GPUPT_XML SOURCE"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    sys.exit(print("skipped: no python3-yaml") or 77)
if not shutil.which("git"):
    sys.exit(print("skipped: no git") or 77)

program, source = map(os.path.abspath, sys.argv[1:3])
review = f"{source}/examples/review"
lab = tempfile.mkdtemp(prefix="gpupt-review.")
domain = "domains/z-k8s-n-1.xml"
environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
environment |= {
    "PATH": f"{lab}/bin:{os.environ['PATH']}", "HOME": lab, "PRE_COMMIT_HOME": f"{lab}/cache",
    "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "nobody"), ("EMAIL", "nobody@example.invalid"))},
}
# As GitLab's runner starts them, with bash or without, and GitHub's: where nothing is said
# of a shell, where there is no bash, and with `shell: bash`.
shells = {"gitlab": ("bash -eo pipefail", "sh -e"),
          "github": ("bash -e", "sh -e", "bash --noprofile --norc -eo pipefail")}
failures = 0


def check(right, what):
    global failures
    if not right:
        failures += 1
        print("FAILED:", what)


def run(*command, cwd=lab):
    return subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)


def need(*command, cwd=lab):
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def commit(folder, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
        with open(f"{folder}/{path}", "w") as file:
            file.write(text)
    need("git", "init", "-q", folder)
    need("git", "add", ".", cwd=folder)
    need("git", "commit", "-q", "-m", "definitions", cwd=folder)


def clone(case):
    shutil.rmtree(f"{lab}/clone", ignore_errors=True)
    need("git", "clone", "-q", f"{lab}/{case}", f"{lab}/clone")
    return f"{lab}/clone"


def step(shell, script, case):
    """A step in a fresh clone; its exit status and the clone."""
    folder = clone(case)
    with open(f"{lab}/step", "w") as file:
        file.write(script)
    done = run(*shell.split(), f"{lab}/step", cwd=folder)
    return done.returncode, folder


def check_sarif(path, folder, case):
    with open(path) as file:
        results = json.load(file)["runs"][0]["results"]
    rules = {result["ruleId"] for result in results}
    check(("GPUPT-DIFF" in rules) == (case == "differs") and
          ("GPUPT-FAILED" in rules) == (case == "broken"), f"{case}: SARIF has {rules}")
    for result in results: # the forge looks for the file in the clone
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        check(os.path.exists(f"{folder}/{uri}"), f"{case}: SARIF names {uri}")


def read(path):
    with open(path) as file:
        return file.read()


def try_forges(case, wanted):
    job = yaml.safe_load(read(f"{review}/gitlab-ci.yml"))["gpupt-xml"]
    for shell in shells["gitlab"]:
        status, _ = step(shell, "\n".join(job["script"]), case)
        check(status == wanted, f"GitLab, {case}, {shell}: exit status {status}")
    steps = yaml.safe_load(read(f"{review}/github-workflow.yml"))["jobs"]["gpupt-xml"]["steps"]
    script = "\n".join(one["run"] for one in steps if "run" in one)
    upload = next(one for one in steps if "upload-sarif" in one.get("uses", ""))
    check(upload["if"] == "always()", "GitHub: what failed is not uploaded")
    for shell in shells["github"]:
        status, folder = step(shell, script, case)
        check(status == wanted, f"GitHub, {case}, {shell}: exit status {status}")
        check_sarif(f"{folder}/{upload['with']['sarif_file']}", folder, case)
    for block in re.findall(r"```sh\n(.*?)```", read(f"{review}/README.md"), re.S):
        status, _ = step("sh -e", block, case)
        check(status == wanted, f"README.md, {case}: exit status {status}")


def try_hook(name, config, case, wanted):
    folder = clone(case)
    with open(f"{lab}/config.yaml", "w") as file:
        yaml.safe_dump(config, file)
    for status, words in wanted:
        done = run("pre-commit", "run", "--all-files", "-c", f"{lab}/config.yaml", cwd=folder)
        check(done.returncode == status and words in done.stdout,
              f"{name}, {case}: {done.returncode}: {done.stdout}{done.stderr}")
    return folder


def try_hooks(case, status):
    passed, failed = (0, "Passed"), (1, f"- exit code: {status}")
    local = yaml.safe_load(re.search(r"```yaml\n(.*?)```", read(f"{review}/README.md"), re.S)[1])
    try_hook("README.md's hook", local, case, [failed if status else passed])
    revision = need("git", "rev-parse", "HEAD", cwd=f"{lab}/hooks").strip()
    for hook in yaml.safe_load(read(f"{source}/.pre-commit-hooks.yaml")):
        name = hook["id"]
        own = {"id": name, "args": ["--inventory", "hosts/HOST.json"], "files": "^domains/"}
        config = {"repos": [{"repo": f"{lab}/hooks", "rev": revision, "hooks": [own]}]}
        wanted = [failed if status else passed]
        if name == "gpupt-xml-patch" and case == "differs": # and then it is right
            wanted = [(1, "files were modified by this hook"), passed]
        folder = try_hook(name, config, case, wanted)
        changed = need("git", "diff", "--name-only", cwd=folder).split()
        check(changed == ([domain] if len(wanted) == 2 else []), f"{name} changed {changed}")


def main():
    os.mkdir(f"{lab}/bin")
    os.symlink(program, f"{lab}/bin/gpupt-xml")
    old = read(f"{source}/examples/z-k8s-n-1.xml")
    host = f"{source}/examples/hosts/p10.json"
    new = need(program, "patch", f"{source}/examples/z-k8s-n-1.xml", "--inventory", host)
    cases = {"right": (new, 0), "differs": (old, 1), "broken": (old[:len(old) // 2], 2)}
    commit(f"{lab}/hooks",
           {".pre-commit-hooks.yaml": read(f"{source}/.pre-commit-hooks.yaml")})
    for case, (text, status) in cases.items():
        commit(f"{lab}/{case}", {domain: text, "other.xml": "<a>no domain</a>",
                                 "hosts/HOST.json": read(host), "hosts/host-1.json": read(host)})
        try_forges(case, status)
        if shutil.which("pre-commit"):
            try_hooks(case, status)
    if not shutil.which("pre-commit"):
        print("not tried: the hooks; there is no pre-commit")
    return failures != 0


try:
    sys.exit(main())
finally:
    shutil.rmtree(lab)
