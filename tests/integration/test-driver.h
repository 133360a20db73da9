/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests of libgpupt-libvirt on libvirt's test driver, which forgets with the connection:
 * every test has one of its own. */

#pragma once

#include "unit.h"

#include <libvirt/virterror.h>

#include <gpupt/gpupt.h>
#include <gpupt/libvirt.h>

/* What a test works with. */
struct lab {
	virConnectPtr connection;
	struct gpupt_inventory *inventory;
	struct gpupt_request *request;
};

static void print_nothing(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static const char *node_uri(void)
{
	return getenv("GPUPT_TEST_URI");
}

/* Cards at 08, 09 and 0a with 32 GiB, and one that no guest has room for at 0b. */
static int enter(void **state)
{
	static const char *const cards[] = { "0000:08:00.0=10de:1db4", "0000:09:00.0=10de:1db4",
					     "0000:0a:00.0=10de:1db4", "0000:0b:00.0=10de:3182" };
	struct lab *lab = calloc(1, sizeof(*lab));
	virSetErrorFunc(NULL, print_nothing);
	lab->connection = virConnectOpen(node_uri());
	lab->request = gpupt_request_new();
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cards); i++) {
		struct gpupt_inventory *more = NULL;
		if (gpupt_inventory_assume(lab->inventory, cards[i], &more, NULL) < 0)
			return -1;
		gpupt_inventory_free(lab->inventory);
		lab->inventory = more;
	}
	*state = lab;
	return lab->connection ? 0 : -1;
}

static int leave(void **state)
{
	struct lab *lab = *state;
	gpupt_request_free(lab->request);
	gpupt_inventory_free(lab->inventory);
	virConnectClose(lab->connection);
	free(lab);
	return 0;
}

static virDomainPtr find(struct lab *lab, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(lab->connection, name);
	assert_non_null(domain);
	return domain;
}

static struct gpupt_outcome *apply(struct lab *lab, virDomainPtr domain,
				   const struct gpupt_apply_options *options)
{
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	int r = gpupt_libvirt_apply(domain, lab->inventory, lab->request, options, &outcome,
				    &error);
	if (r < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return outcome;
}

static bool domain_says(virDomainPtr domain, const char *text)
{
	char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	bool found = strstr(xml, text);
	free(xml);
	return found;
}

#define HOLE "<pcihole64 unit='KiB'>67108864</pcihole64>"

/* Somebody else edits the domain between the plan and the definition. */
struct editor {
	struct lab *lab;
	unsigned int times; /* how often it still does */
	unsigned int asked;
};

static int edit_meanwhile(const struct gpupt_outcome *proposal, void *data)
{
	struct editor *editor = data;
	(void)proposal;
	editor->asked++;
	if (!editor->times)
		return 0;
	editor->times--;
	virDomainPtr domain = find(editor->lab, "gpu");
	char description[32];
	snprintf(description, sizeof(description), "edit %u", editor->asked);
	assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_DESCRIPTION,
					      description, NULL, NULL,
					      VIR_DOMAIN_AFFECT_CONFIG), 0);
	virDomainFree(domain);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)
