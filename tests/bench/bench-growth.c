/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How time and memory grow: with the text, from 10 KB to 100 MB, long by metadata, which
 * is only read through, and by devices, which are all looked at; and with the functions
 * passed through, from 10 to 10,000, which is more than PCI can address.
 *   bench-growth SNAPSHOT [LARGEST_KB [SVG]] */

#include "bench.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "plot.h"

enum kind { METADATA, DEVICES, HOSTDEVS, N_KINDS };

static const char head[] =
	"<domain type='kvm'>\n"
	"  <name>grown</name>\n"
	"  <memory unit='GiB'>16</memory>\n"
	"  <os firmware='efi'>\n"
	"    <type arch='x86_64' machine='q35'>hvm</type>\n"
	"  </os>\n"
	"  <cpu mode='host-passthrough'/>\n";

static const char devices[] =
	"  <devices>\n"
	"    <controller type='pci' index='0' model='pcie-root'/>\n";

static struct bench_text finish(struct gpupt_str *str)
{
	struct bench_text text = { .name = "grown" };
	gpupt_str_adds(str, "  </devices>\n</domain>\n");
	text.data = gpupt_str_steal(str, &text.length);
	if (!text.data)
		abort();
	return text;
}

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
	gpupt_str_adds(&str, devices);
	for (int i = 0; kind == DEVICES && str.length < size; i++)
		gpupt_str_addf(&str, "    <disk type='file' device='disk'>\n"
			       "      <source file='/srv/%d.qcow2'/>\n"
			       "      <target dev='sd%d' bus='scsi'/>\n"
			       "      <address type='drive' controller='0' unit='%d'/>\n"
			       "    </disk>\n", i, i, i);
	return finish(&str);
}

/* Function i's address on the host. */
static void split_address(int i, int *domain, int *bus, int *slot)
{
	*domain = i / 8192;
	*bus = i / 32 % 256;
	*slot = i % 32;
}

static struct bench_text grow_hostdevs(int count)
{
	struct gpupt_str str = { 0 };
	gpupt_str_adds(&str, head);
	gpupt_str_adds(&str, devices);
	for (int i = 0; i < count; i++) {
		int domain, bus, slot;
		split_address(i, &domain, &bus, &slot);
		gpupt_str_addf(&str, "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
			       "      <source>\n        <address domain='%d' bus='%d' slot='%d' "
			       "function='0'/>\n      </source>\n    </hostdev>\n", domain, bus, slot);
	}
	return finish(&str);
}

/* A host with that many functions, each with a BAR of 1 MiB. */
static struct gpupt_inventory *grow_host(int count)
{
	struct gpupt_str str = { 0 };
	gpupt_str_adds(&str, "{\"format\": \"gpupt-snapshot\", \"version\": 1, "
		       "\"host\": {\"phys_bits\": 46}, \"devices\": [");
	for (int i = 0; i < count; i++) {
		int domain, bus, slot;
		split_address(i, &domain, &bus, &slot);
		gpupt_str_addf(&str, "%s{\"address\": \"%04x:%02x:%02x.0\", \"vendor\": \"1234\", "
			       "\"device\": \"1111\", \"class\": \"030200\", \"driver\": null, "
			       "\"iommu_group\": %d, \"bars\": [{\"index\": 0, \"type\": \"memory\", "
			       "\"bits\": 64, \"prefetchable\": true, \"size\": \"1 MiB\", "
			       "\"address\": \"0x%llx\"}]}", i ? ", " : "", domain, bus, slot, i,
			       0x1000000000ULL + ((unsigned long long)i << 20));
	}
	gpupt_str_adds(&str, "]}");
	size_t length;
	char *text = gpupt_str_steal(&str, &length);
	struct gpupt_inventory *inventory = NULL;
	if (!text || gpupt_inventory_parse(text, length, "host", &inventory, NULL) < 0)
		abort();
	free(text);
	return inventory;
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

/* A row of the table, and a point of the curves. */
static void print_row(double x, const struct bench_text *text, const struct bench_setting *setting,
		      struct plot *plot)
{
	struct cost none = measure(NOTHING, text, setting);
	struct cost ours = measure(OURS, text, setting);
	struct cost tree = measure(TREE, text, setting);
	double ours_ms = (ours.us - none.us) / 1e3, tree_ms = (tree.us - none.us) / 1e3;
	double document = (double)text->length / 1024;
	printf("%12g %10.2f %10.2f %7.2f %12.2f %12.2f %10.3f\n", x, ours_ms, tree_ms,
	       ours_ms / tree_ms, (double)(ours.peak_kib - none.peak_kib) / document,
	       (double)(tree.peak_kib - none.peak_kib) / document, ours_ms / x);
	fflush(stdout);
	plot_add(&plot->series[0], x, ours_ms);
	plot_add(&plot->series[1], x, tree_ms);
}

static void print_head(const struct plot *plot)
{
	printf("\n%s\n%12s %10s %10s %7s %12s %12s %10s\n", plot->title, plot->x_label, "ours ms",
	       "tree ms", "ratio", "ours memory", "tree memory", "ours ms/1");
}

static void grow_text(enum kind kind, size_t largest, const struct bench_setting *setting,
		      struct plot *plot)
{
	print_head(plot);
	for (size_t size = 10000; size <= largest; size *= 10) {
		struct bench_text text = grow(kind, size);
		if (!bench_choose_wish(&text, setting))
			abort();
		print_row((double)text.length / 1e6, &text, setting, plot);
		free(text.data);
	}
}

static void grow_functions(struct plot *plot)
{
	static const int counts[] = { 10, 30, 100, 300, 1000, 3000, 10000 };
	print_head(plot);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct bench_text text = grow_hostdevs(counts[i]);
		struct bench_setting own = { .inventory = grow_host(counts[i]),
					     .wishes = { gpupt_request_new() } };
		print_row(counts[i], &text, &own, plot);
		bench_setting_clear(&own);
		free(text.data);
	}
}

int main(int argc, char **argv)
{
	struct plot plots[N_KINDS] = {
		[METADATA] = { .title = "long by metadata", .x_label = "MB of text" },
		[DEVICES] = { .title = "long by devices", .x_label = "MB of text" },
		[HOSTDEVS] = { .title = "many functions", .x_label = "hostdevs" },
	};
	for (size_t i = 0; i < N_KINDS; i++) {
		plots[i].y_label = "ms of CPU time";
		plots[i].n_series = 2;
		plots[i].series[0] = (struct plot_series){ .name = "gpupt: parse, plan, edit, check, diff",
							   .color = "#0b6" };
		plots[i].series[1] = (struct plot_series){ .name = "libxml2's tree", .color = "#c50" };
	}
	struct bench_setting setting;
	if (argc < 2 || !bench_setting_make(argv[1], &setting))
		return 2;
	size_t largest = argc > 2 ? strtoul(argv[2], NULL, 10) * 1000 : 100000000;
	printf("CPU time; memory as multiples of the document\n");
	grow_text(METADATA, largest, &setting, &plots[METADATA]);
	grow_text(DEVICES, largest, &setting, &plots[DEVICES]);
	grow_functions(&plots[HOSTDEVS]);
	bench_setting_clear(&setting);
	if (argc > 3 && !plot_write(argv[3], plots, N_KINDS)) {
		perror(argv[3]);
		return 1;
	}
	return 0;
}
