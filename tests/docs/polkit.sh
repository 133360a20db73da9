#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example rules give what apply needs, and nothing else to nobody else. polkit's
# rules are JavaScript; any interpreter will do.
#   polkit.sh RULES
set -eu
command -v node >/dev/null || {
	echo "skipped: no node to run JavaScript with"
	exit 77
}
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
{
	cat <<'END'
const rules = [];
const polkit = { Result: { YES: "yes", NO: "no", NOT_HANDLED: null },
	addRule: (rule) => rules.push(rule) };
END
	cat "$1"
	cat <<'END'
const ask = (id, details = {}, groups = ["gpupt-xml"]) =>
	rules.map((rule) => rule({ id: id, lookup: (name) => details[name] },
		{ isInGroup: (group) => groups.includes(group) }))
	.find((answer) => answer) || "not handled";
const guest = { connect_driver: "QEMU", domain_name: "z-k8s-n-1" };
const api = "org.libvirt.api.";
const manage = "org.libvirt.unix.manage";
const cases = [
	["yes", manage], ["not handled", manage, {}, ["users"]],
	["yes", api + "domain.read-secure", guest], ["yes", api + "domain.write", guest],
	["yes", api + "domain.save", guest],
	["not handled", api + "domain.write", guest, ["users"]],
	["not handled", api + "domain.write", { connect_driver: "QEMU", domain_name: "other" }],
	["not handled", api + "domain.write", { connect_driver: "LXC", domain_name: "z-k8s-n-1" }],
	["not handled", api + "domain.write"],
	["not handled", "org.freedesktop.systemd1.manage-units"],
].concat(["domain.delete", "domain.start", "domain.stop", "domain.open-namespace",
	"domain.core-dump", "domain.mem-read", "domain.migrate", "connect.write", "secret.read-secure",
	"node-device.detach"].map((action) => ["not handled", api + action, guest]));
const wrong = cases.filter(([expected, ...asked]) => ask(...asked) !== expected);
wrong.forEach((one) => console.log("FAILED:", JSON.stringify(one)));
process.exitCode = rules.length === 1 && wrong.length === 0 ? 0 : 1;
END
} >"$lab/rules.js"
node "$lab/rules.js"
