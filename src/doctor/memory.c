/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the guest's memory: all of it is pinned when a device is passed through,
 * so it has to be there, may have to be locked, and goes faster in huge pages. */
#include <inttypes.h>
#include <stdio.h>

#include <gpupt/size.h>

#include "doctor/doctor.h"
#include "domain/domain.h"

#define MEMINFO_MAX (64 * GPUPT_KIB)
/* What libvirt allows QEMU beyond the guest's memory (src/qemu/qemu_domain.c,
 * qemuDomainGetMemLockLimitBytes()). */
#define LOCK_EXTRA GPUPT_GIB
/* A quarter of a million small pages for every GiB: from here on it shows. */
#define MANY_SMALL_PAGES (64 * GPUPT_GIB)

static bool read_count(struct gpupt_making_checkup *making, uint64_t page_bytes, const char *file,
		       uint64_t *ret, struct gpupt_trouble *trouble)
{
	char path[128];
	snprintf(path, sizeof(path), "kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s",
		 page_bytes / GPUPT_KIB, file);
	GPUPT_AUTOFREE char *text =
		gpupt_tree_read_line(&making->tree, GPUPT_IN_SYS, path, trouble);
	char *end = text;
	uint64_t count = text ? strtoull(text, &end, 10) : 0;
	if (end == text)
		return false;
	*ret = count;
	return true;
}

/* "Hugepagesize:    2048 kB"; 0 when it is not there. */
static uint64_t default_page_size(struct gpupt_making_checkup *making,
				  struct gpupt_trouble *trouble)
{
	static const char key[] = "\nHugepagesize:";
	GPUPT_AUTOFREE char *meminfo = gpupt_tree_read(&making->tree, GPUPT_IN_PROC, "meminfo",
						       MEMINFO_MAX, trouble);
	const char *line = meminfo ? strstr(meminfo, key) : NULL;
	if (meminfo && !line)
		strcpy(trouble->text, "the kernel has no huge pages");
	return line ? gpupt_mul(strtoull(line + strlen(key), NULL, 10), GPUPT_KIB) : 0;
}

static void check_hugepages(struct gpupt_making_checkup *making, uint64_t memory)
{
	struct gpupt_trouble trouble = { 0 };
	uint64_t page = making->domain->hugepage_bytes, total, available;
	char text[GPUPT_SIZE_TEXT_MAX];
	if (!page)
		page = default_page_size(making, &trouble);
	if (page < GPUPT_KIB || !read_count(making, page, "nr_hugepages", &total, &trouble) ||
	    !read_count(making, page, "free_hugepages", &available, &trouble)) {
		gpupt_checkup_missed(making, "the host's huge pages: %s", trouble.text);
		return;
	}
	uint64_t needed = memory / page + (memory % page != 0);
	gpupt_size_format(page, text);
	gpupt_checkup_saw(making, "the guest needs %" PRIu64 " huge pages of %s, the host has %"
			  PRIu64 ", %" PRIu64 " of them free", needed, text, total, available);
	if (total < needed)
		gpupt_checkup_found(making, GPUPT_FINDING_HUGEPAGES_SHORT, NULL,
				    "the guest needs %" PRIu64 " huge pages of %s, the host has %"
				    PRIu64, needed, text, total);
	else if (available < needed)
		gpupt_checkup_found(making, GPUPT_FINDING_HUGEPAGES_BUSY, NULL,
				    "the guest needs %" PRIu64 " huge pages of %s, %" PRIu64
				    " are free", needed, text, available);
}

/* What there is, for whichever guest: "no huge pages", "512 of 512 huge pages of 1 GiB
 * free". */
static void say_pools(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	size_t n_pools = 0;
	GPUPT_AUTO_CLOSE_DIR DIR *pools =
		gpupt_tree_list(&making->tree, GPUPT_IN_SYS, "kernel/mm/hugepages", &trouble);
	if (!pools) {
		gpupt_checkup_missed(making, "the host's huge pages: %s", trouble.text);
		return;
	}
	for (const char *name; (name = gpupt_tree_next(pools));) {
		char text[GPUPT_SIZE_TEXT_MAX];
		uint64_t total, available;
		uint64_t page = strncmp(name, "hugepages-", 10) == 0 ?
				gpupt_mul(strtoull(name + 10, NULL, 10), GPUPT_KIB) : 0;
		if (!page || !read_count(making, page, "nr_hugepages", &total, &trouble) ||
		    !read_count(making, page, "free_hugepages", &available, &trouble) || !total)
			continue;
		n_pools++;
		gpupt_checkup_saw(making, "%" PRIu64 " of %" PRIu64 " huge pages of %s free",
				  available, total, gpupt_size_format(page, text));
	}
	if (!n_pools)
		gpupt_checkup_saw(making, "no huge pages");
}

static void check_lock_limit(struct gpupt_making_checkup *making, uint64_t memory)
{
	char limit[GPUPT_SIZE_TEXT_MAX], needed[GPUPT_SIZE_TEXT_MAX];
	uint64_t hard = gpupt_mul(making->domain->hard_limit_kib, GPUPT_KIB);
	uint64_t own = making->options->lock_limit_bytes;
	gpupt_size_format(gpupt_add(memory, LOCK_EXTRA), needed);
	if (hard && hard < gpupt_add(memory, LOCK_EXTRA))
		gpupt_checkup_found(making, GPUPT_FINDING_LOCK_LIMIT, NULL,
				    "<hard_limit> is %s, and the guest's memory and what QEMU "
				    "needs beside it are about %s", gpupt_size_format(hard, limit),
				    needed);
	if (own && own < gpupt_add(memory, LOCK_EXTRA))
		gpupt_checkup_found(making, GPUPT_FINDING_LOCK_LIMIT, NULL,
				    "a QEMU of this account may lock %s, and the guest's memory "
				    "and what QEMU needs beside it are about %s",
				    gpupt_size_format(own, limit), needed);
}

void gpupt_check_memory(struct gpupt_making_checkup *making)
{
	const struct gpupt_domain *domain = making->domain;
	char text[GPUPT_SIZE_TEXT_MAX];
	if (!domain) {
		say_pools(making);
		return;
	}
	if (!domain->has_memory) {
		gpupt_checkup_missed(making, "the domain does not say how much memory it has");
		return;
	}
	uint64_t memory = gpupt_mul(domain->memory_kib, GPUPT_KIB);
	gpupt_checkup_saw(making, "the guest has %s", gpupt_size_format(memory, text));
	if (!domain->n_hostdevs) {
		gpupt_checkup_saw(making, "nothing is passed through, so it is not pinned");
		return;
	}
	check_lock_limit(making, memory);
	if (domain->has_hugepages)
		check_hugepages(making, memory);
	else if (memory >= MANY_SMALL_PAGES)
		gpupt_checkup_found(making, GPUPT_FINDING_PAGES_SMALL, NULL,
				    "the guest's %s are pinned in pages of the host's ordinary "
				    "size", text);
}
