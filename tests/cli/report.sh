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

# Columns: bytes in messages and in JSON, as compilers count; UTF-16 code units in SARIF.
# place FILE LINE BYTES UNITS: of a <pcihole64> out of place, or of what broke
place() { echo "$@" >>places; }
stray() { sed "s|<devices>|&$1<pcihole64>1</pcihole64>|" "a guest.xml"; }
line=$(grep -n '<devices>' "a guest.xml" | cut -d: -f1)
stray '' >ascii.xml
place ascii.xml "$line" 12 12
stray '<!-- видеокарта -->' >cyrillic.xml # ten letters of two bytes
place cyrillic.xml "$line" 41 31
stray '<!-- 🐧é中 -->' | sed 's|</devices>|<!-- ж --><pcihole64>2</pcihole64>&|' >emoji.xml
place emoji.xml "$line" 30 25 # 4 bytes and 2 units; 2 and 1; 3 and 1
place emoji.xml "$(grep -n '</devices>' emoji.xml | cut -d: -f1)" 14 13
stray '<!-- 🐧 --><pcihole64>2</pcihole64><!-- ж -->' | tr -d '\n' >one-line.xml
first=$(sed 's/<!-- 🐧.*//' one-line.xml | wc -c)
place one-line.xml 1 $((first + 14)) $((first + 12))
place one-line.xml 1 $((first + 49)) $((first + 46))
sed 's/$/\r/' cyrillic.xml >crlf.xml
place crlf.xml "$line" 41 31
{ printf '\357\273\277'; tr -d '\n' <cyrillic.xml; } >mark.xml
first=$(sed 's/<!-- в.*//' mark.xml | wc -c)
place mark.xml 1 $((first + 30)) $((first + 17))
printf '<domain>\n <name>ж🐧\377\320</name></domain>\n' >not-utf-8.xml
place not-utf-8.xml 2 14 11
printf '<domain>\n <name>ж🐧</name><oops' >broken-late.xml
place broken-late.xml 2 26 23
# a byte that is part of no character, and half of one, before the place
{ printf '<domain>\n<!-- \351 \360\237\220 --><x '; seq -f 'a%g=""' 20001; printf '/>'; } >half.xml
place half.xml 2 15 15
files=$(cut -d' ' -f1 places | sort -u)
for format in sarif json text; do # the file names are words
	# shellcheck disable=SC2086
	"$GPUPT_XML" diff $files "$p10" --format $format >"$lab/$format" 2>"$lab/$format.err"
done
python3 - "$lab" <<'END' || fail "a column is wrong"
import json, sys
lab = sys.argv[1]
run = json.load(open(f"{lab}/sarif"))["runs"][0]
assert run["columnKind"] == "utf16CodeUnits"
places = [r["locations"][0]["physicalLocation"] for r in run["results"]]
sarif = {(p["artifactLocation"]["uri"], *p["region"].values()) for p in places}
lines = {x["target"]: x for x in map(json.loads, open(f"{lab}/json"))}
messages = open(f"{lab}/text.err", errors="replace").read()
for row in open("places"):
    file, line, bytes, units = row.split()
    found = lines[file].get("findings", []) + [lines[file]]
    assert (int(line), int(bytes)) in {(x.get("line"), x.get("column")) for x in found}, row
    assert f"{file}:{line}:{bytes}: " in messages, row
    assert (file, int(line), int(units)) in sarif, (row, sarif)
END
run 2 diff - "$p10" --format sarif <broken-late.xml
grep -q '"startColumn": 23' "$lab/out" || fail "standard input has other columns: $out"

# What is wrong with a snapshot is not in the guest's file.
printf '{"ж":\n oops' >"bad host.json"
run 2 diff right.xml --inventory "bad host.json" --format sarif
tr -d '\n ' <"$lab/out" | grep -q '"uri":"bad%20host.json"},"region":{"startLine":2}}' ||
	fail "not in the snapshot: $out"
run 2 diff right.xml --inventory "bad host.json" --format json
check 'lines[0]["file"] == "bad host.json" and lines[0]["line"] == 2'
run 2 diff broken.xml "$p10" --format json
check '"file" not in lines[0]'

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
