#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example rules give what apply needs, and nothing else to nobody else. polkit's
# rules are JavaScript; duktape is what polkitd runs them with (since 121).
#   polkit.sh RULES
set -eu
command -v duk >/dev/null || {
	echo "skipped: no duktape to run JavaScript with"
	exit 77
}
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
{
	cat <<'END'
var rules = [];
var polkit = { Result: { YES: "yes", NO: "no", NOT_HANDLED: null },
	addRule: function (rule) { rules.push(rule); } };
END
	cat "$1"
	cat <<'END'
function ask(id, details, groups) {
	var action = { id: id, lookup: function (name) { return (details || {})[name]; } };
	var subject = { isInGroup: function (group) {
		return (groups || ["gpupt-xml"]).indexOf(group) >= 0;
	} };
	var answers = rules.map(function (rule) { return rule(action, subject); });
	return answers.filter(Boolean)[0] || "not handled";
}
var guest = { connect_driver: "QEMU", domain_name: "z-k8s-n-1" };
var api = "org.libvirt.api.";
var manage = "org.libvirt.unix.manage";
var cases = [
	["yes", manage], ["not handled", manage, {}, ["users"]],
	["yes", api + "domain.read-secure", guest], ["yes", api + "domain.write", guest],
	["yes", api + "domain.save", guest],
	["not handled", api + "domain.write", guest, ["users"]],
	["not handled", api + "domain.write", { connect_driver: "QEMU", domain_name: "other" }],
	["not handled", api + "domain.write", { connect_driver: "LXC", domain_name: "z-k8s-n-1" }],
	["not handled", api + "domain.write"],
	["not handled", "org.freedesktop.systemd1.manage-units"]
].concat(["domain.delete", "domain.start", "domain.stop", "domain.open-namespace",
	"domain.core-dump", "domain.mem-read", "domain.migrate", "connect.write", "secret.read-secure",
	"node-device.detach"].map(function (action) { return ["not handled", api + action, guest]; }));
var wrong = cases.filter(function (one) { return ask(one[1], one[2], one[3]) !== one[0]; });
wrong.forEach(function (one) { print("FAILED:", JSON.stringify(one)); });
if (rules.length !== 1 || wrong.length)
	throw new Error("the rules are not as they say");
END
} >"$lab/rules.js"
duk "$lab/rules.js"
