/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-test.h"

static const struct gpupt_checkup_options nothing;

#define HUGE_PAGES "<memoryBacking><hugepages/></memoryBacking>"
#define POOL "kernel/mm/hugepages/hugepages-2048kB/"

/* 16 GiB are 8192 pages of 2 MiB, the host's default size. */
static void test_hugepages(void **state)
{
	(void)state;
	const char *domain = DOMAIN(HUGE_PAGES, HOSTDEV);
	assert_only(examine_for(domain, nothing), "");
	replace(POOL "free_hugepages", "8191\n");
	assert_only(examine_for(domain, nothing), "memory=warning(71)");
	replace(POOL "nr_hugepages", "8191\n");
	assert_only(examine_for(domain, nothing), "memory=error(70)");
	/* nothing is pinned without a device, and without <hugepages> none are needed */
	assert_only(examine_for(DOMAIN("", HOSTDEV), nothing), "");
	replace(POOL "nr_hugepages", "many\n");
	assert_only(examine_for(domain, nothing), "memory=partly");
	replace("../proc/meminfo", "MemTotal: 1 kB\n");
	struct gpupt_checkup *checkup = examine_for(domain, nothing);
	assert_has(check_named(checkup, "memory")->unseen, "the kernel has no huge pages");
	gpupt_checkup_free(checkup);
}

static void test_page_size(void **state)
{
	(void)state;
	const char *domain = DOMAIN("<memoryBacking><hugepages><page size='1' unit='G'/>"
				    "</hugepages></memoryBacking>", HOSTDEV);
	struct gpupt_checkup *checkup = examine_for(domain, nothing);
	assert_results(checkup, "memory=partly");
	assert_has(check_named(checkup, "memory")->unseen, "hugepages-1048576kB");
	gpupt_checkup_free(checkup);
	puts_at("kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "16\n");
	puts_at("kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "16\n");
	assert_only(examine_for(domain, nothing), "");
	replace("kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "15\n");
	assert_only(examine_for(domain, nothing), "memory=error(70)");
}

static void test_small_pages(void **state)
{
	(void)state;
	assert_only(examine_for("<domain><memory unit='GiB'>64</memory><devices>" HOSTDEV
				"</devices></domain>", nothing), "memory=note(72)");
	assert_only(examine_for("<domain><memory unit='GiB'>63</memory><devices>" HOSTDEV
				"</devices></domain>", nothing), "");
	assert_only(examine_for("<domain><devices>" HOSTDEV "</devices></domain>", nothing),
		    "memory=unknown");
}

static void test_limits(void **state)
{
	(void)state;
	assert_only(examine_for(DOMAIN("<memtune><hard_limit unit='GiB'>16</hard_limit></memtune>",
				       HOSTDEV), nothing), "memory=error(73)");
	assert_only(examine_for(DOMAIN("<memtune><hard_limit unit='GiB'>17</hard_limit></memtune>",
				       HOSTDEV), nothing), "");
	struct gpupt_checkup_options session = { .lock_limit_bytes = 8 * GPUPT_MIB };
	assert_only(examine_for(DOMAIN("", HOSTDEV), session), "memory=error(73)");
	assert_only(examine_for(DOMAIN("", ""), session), "");
	session.lock_limit_bytes = 17 * GPUPT_GIB;
	assert_only(examine_for(DOMAIN("", HOSTDEV), session), "");
}

static void test_pools(void **state)
{
	(void)state;
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_string_equal(check_named(checkup, "memory")->seen,
			    "8192 of 8192 huge pages of 2 MiB free");
	gpupt_checkup_free(checkup);
	replace(POOL "nr_hugepages", "0\n");
	checkup = examine_tree(tree_root, nothing);
	assert_string_equal(check_named(checkup, "memory")->seen, "no huge pages");
	gpupt_checkup_free(checkup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_hugepages), TREE_TEST(test_page_size), TREE_TEST(test_small_pages),
		TREE_TEST(test_limits),	   TREE_TEST(test_pools),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
