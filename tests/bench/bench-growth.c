/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How time and memory grow with the text, from 10 KB to 100 MB: long by
 * metadata, which is only read through, and long by devices, which are all
 * planned with.
 *   bench-growth SNAPSHOT [LARGEST_KB] */

#include "bench.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

enum kind { METADATA, DEVICES };

static const char head[] =
	"<domain type='kvm'>\n"
	"  <name>grown</name>\n"
	"  <memory unit='GiB'>16</memory>\n"
	"  <os firmware='efi'>\n"
	"    <type arch='x86_64' machine='q35'>hvm</type>\n"
	"  </os>\n"
	"  <cpu mode='host-passthrough'/>\n";

/* A domain of about `size` bytes. */
static struct bench_text grow(enum kind kind, size_t size)
{
	struct gpupt_str str = { 0 };
	gpupt_str_adds(&str, head);
	if (kind == METADATA) {
		gpupt_str_adds(&str, "  <metadata xmlns:m='urn:example'>\n");
		for (int i = 0; str.length < size; i++)
			gpupt_str_addf(&str, "    <m:note number='%d'>kept as it is</m:note>\n", i);
		gpupt_str_adds(&str, "  </metadata>\n");
	}
	gpupt_str_adds(&str, "  <devices>\n"
		       "    <controller type='pci' index='0' model='pcie-root'/>\n");
	for (int i = 0; kind == DEVICES && str.length < size; i++)
		gpupt_str_addf(&str, "    <disk type='file' device='disk'>\n"
			       "      <source file='/srv/%d.qcow2'/>\n"
			       "      <target dev='sd%d' bus='scsi'/>\n"
			       "      <address type='drive' controller='0' unit='%d'/>\n"
			       "    </disk>\n", i, i, i);
	gpupt_str_adds(&str, "  </devices>\n</domain>\n");
	struct bench_text text = { .name = "grown" };
	text.data = gpupt_str_steal(&str, &text.length);
	if (!text.data)
		abort();
	return text;
}

enum work { NOTHING, OURS, TREE };

struct cost {
	double us;
	long peak_kib;
};

/* Does the work in a process of its own: only there has it a peak of its own. */
static struct cost measure(enum work work, const struct bench_text *text,
			   const struct bench_setting *setting)
{
	pid_t child = fork();
	if (child == 0) {
		if (work == OURS)
			bench_ours(text, setting, NULL);
		else if (work == TREE)
			bench_tree(text);
		_exit(0);
	}
	int status;
	struct rusage usage;
	if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0)
		abort();
	return (struct cost){
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
		usage.ru_maxrss,
	};
}

static void print_row(const struct bench_text *text, const struct bench_setting *setting)
{
	struct cost none = measure(NOTHING, text, setting);
	struct cost ours = measure(OURS, text, setting);
	struct cost tree = measure(TREE, text, setting);
	double megabytes = (double)text->length / 1e6;
	printf("%12.3f %10.2f %10.2f %7.2f %12.2f %12.2f %7.2f\n", megabytes,
	       (ours.us - none.us) / 1e3, (tree.us - none.us) / 1e3,
	       (ours.us - none.us) / (tree.us - none.us),
	       (double)(ours.peak_kib - none.peak_kib) / 1024,
	       (double)(tree.peak_kib - none.peak_kib) / 1024,
	       (ours.us - none.us) / megabytes / 1e3);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct bench_setting setting;
	if (argc < 2 || !bench_setting_make(argv[1], &setting))
		return 2;
	size_t largest = argc > 2 ? strtoul(argv[2], NULL, 10) * 1000 : 100000000;
	for (enum kind kind = METADATA; kind <= DEVICES; kind++) {
		printf("%s%s\n", kind == METADATA ? "" : "\n",
		       kind == METADATA ? "long by metadata" : "long by devices");
		printf("%12s %10s %10s %7s %12s %12s %7s\n", "MB of text", "ours ms", "tree ms",
		       "ratio", "ours MiB", "tree MiB", "ms/MB");
		for (size_t size = 10000; size <= largest; size *= 10) {
			struct bench_text text = grow(kind, size);
			if (!bench_choose_wish(&text, &setting))
				abort();
			print_row(&text, &setting);
			free(text.data);
		}
	}
	bench_setting_clear(&setting);
	return 0;
}
