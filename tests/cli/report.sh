#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# --format json and sarif: for programs, one line or one document, and nothing else.
. "$SOURCE/tests/cli/lib.sh"

command -v python3 >/dev/null || skip "no python3"
cp "$EXAMPLES/z-k8s-n-1.xml" "a guest.xml"
"$GPUPT_XML" patch "a guest.xml" "$p10" >right.xml 2>/dev/null
sed "s|^    <controller type='pci' index='0'|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >secret.xml
printf '<domain>\n  <oops' >broken.xml

# check SCRIPT: a Python expression over `lines`, the objects of the lines in $lab/out
check() { # validates against the schema where jsonschema is there
	python3 - "$lab/out" "$EXAMPLES/review/report.schema.json" "$1" <<-'END' || fail "not so: $1"
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		try:
		    import jsonschema
		    for line in lines:
		        jsonschema.validate(line, json.load(open(sys.argv[2])))
		except ImportError:
		    pass
		sys.exit(not eval(sys.argv[3]))
	END
}
run 2 diff right.xml "a guest.xml" secret.xml broken.xml none.xml "$p10" --format json
check 'len(lines) == 5'
check '[l["result"] for l in lines] == ["unchanged", "differs", "differs", "failed", "failed"]'
check '[l["status"] for l in lines] == [0, 1, 1, 2, 2]'
check 'lines[1]["hole"]["planned_bytes"] == 64 << 30'
check '"diff" not in lines[0] and "+      <pcihole64" in lines[1]["diff"]'
check '"s3cret" not in json.dumps(lines)'
check '"none.xml" in lines[4]["error"]'
check 'lines[3]["line"] == 2 and lines[3]["column"] > 0'
err_lacks "GPUPT-"
sed 's|<devices>|&<pcihole64>1</pcihole64>|' "a guest.xml" >misplaced.xml
run 4 diff misplaced.xml "$p10" --format json --strict
check 'lines[0]["result"] == "errors-found" and "diff" in lines[0]'
run 3 diff "a guest.xml" "$p10" --format json --pcihole64 1PiB
check 'lines[0]["result"] == "no-fit" and lines[0]["verdict"] == "no-fit"'

# A name of Latin-1 is no text for JSON.
odd=$(printf 'caf\351.xml')
cp "a guest.xml" "$odd"
run 1 diff "$odd" "$p10" --format json
check 'lines[0]["target"] == "caf\ufffd.xml"'
run 1 diff "$odd" "$p10" --format sarif
grep -q '"uri": "caf%E9.xml"' "$lab/out" || fail "another file: $(cat "$lab/out")"
run 2 diff "$odd.none" "$p10" --format sarif

run 2 diff "a guest.xml" broken.xml "$p10" --format sarif
python3 - "$lab/out" <<'END' || fail "no SARIF: $(cat "$lab/out")"
import json, sys
log = json.load(open(sys.argv[1]))
assert log["version"] == "2.1.0" and len(log["runs"]) == 1
run = log["runs"][0]
rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
assert run["tool"]["driver"]["name"] == "gpupt-xml"
for result in run["results"]:
    assert result["ruleId"] in rules and result["message"]["text"]
    assert result["level"] in ("note", "warning", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] >= 1
uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
assert uris == {"a%20guest.xml", "broken.xml"}, uris
failed = [r for r in run["results"] if r["ruleId"] == "GPUPT-FAILED"]
assert failed[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
assert "GPUPT-DIFF" in rules
END
run 0 diff right.xml "$p10" --format sarif
python3 -c 'import json; json.load(open("'"$lab/out"'"))' || fail "no JSON where nothing is found"

# A table: a row for each, nothing else.
run 2 diff right.xml "a guest.xml" broken.xml "$p10" --format table
[ "$(wc -l <"$lab/out")" = 4 ] || fail "not a row for each: $out"
grep -Eq '^a guest.xml +differs +32 GiB +64 GiB +kernel +0 +1$' "$lab/out" || fail "no row: $out"
grep -Eq '^broken.xml +failed *$' "$lab/out" || fail "no row for what failed: $out"
err_has "broken.xml:2:"
run 3 diff "a guest.xml" "$p10" --format table --pcihole64 1PiB
out_has "no-fit"

"$GPUPT_XML" diff z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && finish
run 0 apply --all -c "$node" "$p10" --format json --yes --no-backup
check 'lines[0]["result"] == "defined" and lines[0]["kind"] == "domain"'
check 'lines[0]["needs_restart"] is True and lines[0]["managed_save"] is False'
run 1 apply --all -c "$node" "$p10" --format json --dry-run
check '"needs_restart" not in lines[0]' # nothing was defined that could take effect
run 2 apply nothing z-k8s-n-1 -c "$node" "$p10" --format json --yes
check '[l["result"] for l in lines] == ["failed", "not-tried"]'
check '[l["kind"] for l in lines] == ["domain", "domain"]'
run 1 diff z-k8s-n-1 -c "$node" "$p10" --format sarif
grep -q '"fullyQualifiedName": "z-k8s-n-1"' "$lab/out" || fail "a domain has no name"
finish
