/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A survey of more domains than it keeps parsed, and of more text than it keeps. */

#include "unit.h"

#include <malloc.h>
#include <unistd.h>

#include <gpupt/connection.h>
#include <gpupt/gpupt.h>

#include "plan/request.h"

/* A host of libvirt's test driver, made for a test. */
struct host {
	char path[sizeof("/tmp/gpupt-survey-XXXXXX")];
	char uri[64];
	struct gpupt_connection *connection;
	struct gpupt_survey *survey;
	size_t before; /* bytes in use, then */
};

enum { SHARED = 0xff, SHUT_OFF = 5 };

#ifdef __SANITIZE_ADDRESS__ /* whose malloc() tells nothing */
enum { THOUSANDS = 2200 };
#else
enum { THOUSANDS = 5000 };
#endif

static const char *name_of(size_t i)
{
	static char name[16];
	snprintf(name, sizeof(name), "vm-%05zu", i);
	return name;
}

/* In the order of names. Every fifth has a device of its own, and two share one. */
static void write_domain(FILE *file, size_t i, size_t padding)
{
	size_t bus = i == 1 || i == 1101 ? SHARED : i % 5 == 0 ? i / 32 % 0xf0 : 0;
	fprintf(file, "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
		"<name>%s</name>", name_of(i));
	if (padding)
		fprintf(file, "<description>%0*d</description>", (int)padding, 0);
	fprintf(file, "<memory>%zu</memory><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>"
		"</os><devices><controller type='pci' index='0' model='pcie-root'/>", 65536 + i);
	for (size_t port = 1; port < 16; port++)
		fprintf(file, "<controller type='pci' index='%zu' model='pcie-root-port'/>", port);
	if (bus)
		fprintf(file, "<hostdev mode='subsystem' type='pci'><source><address bus='%zu' "
			"slot='%zu'/></source></hostdev>", bus, i % 32);
	fprintf(file, "</devices><test:runstate>%d</test:runstate></domain>", SHUT_OFF);
}

static struct host open_host(size_t count, size_t padding, bool keep_definitions)
{
	struct host host = { .path = "/tmp/gpupt-survey-XXXXXX" };
	int descriptor = mkstemp(host.path);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
	assert_non_null(file);
	fputs("<node>", file);
	for (size_t i = 0; i < count; i++)
		write_domain(file, i, padding);
	fputs("</node>", file);
	assert_int_equal(fclose(file), 0);
	snprintf(host.uri, sizeof(host.uri), "test://%s", host.path);
	assert_int_equal(gpupt_connection_open(host.uri, true, &host.connection, NULL), 0);
	host.before = mallinfo2().uordblks;
	assert_int_equal(gpupt_connection_survey(host.connection, keep_definitions, &host.survey,
						 NULL), 0);
	return host;
}

static void close_host(struct host *host)
{
	gpupt_survey_free(host->survey);
	gpupt_connection_free(host->connection);
	unlink(host->path);
}

/* Returns the length of the text that was taken, which is the right one. */
static size_t take(struct host *host, size_t i)
{
	struct gpupt_guest *guest = NULL;
	struct gpupt_domain *domain = NULL;
	char memory[32];
	size_t length;
	if (gpupt_survey_take(host->survey, name_of(i), &guest, &domain, NULL) < 0)
		return 0;
	assert_string_equal(gpupt_guest_get_name(guest), name_of(i));
	assert_string_equal(gpupt_domain_get_name(domain), name_of(i));
	snprintf(memory, sizeof(memory), "<memory unit='KiB'>%zu<", 65536 + i);
	assert_non_null(strstr(gpupt_domain_get_text(domain, &length), memory));
	gpupt_domain_free(domain);
	gpupt_guest_free(guest);
	return length;
}

/* Who else has the shared device, for somebody. */
static void check_users(struct host *host, size_t asking, const char *expected)
{
	struct gpupt_guest *guest = NULL;
	struct gpupt_request *request = gpupt_request_new();
	size_t found = 0;
	assert_int_equal(gpupt_connection_find(host->connection, name_of(asking), &guest, NULL), 0);
	assert_int_equal(gpupt_survey_add_users(host->survey, guest, request, NULL), 0);
	for (size_t i = 0; i < request->n_other_users; i++)
		if (request->other_users[i].address.bus == SHARED) {
			assert_string_equal(request->other_users[i].domain_name, expected);
			found++;
		}
	assert_int_equal(found, 1);
	gpupt_request_free(request);
	gpupt_guest_free(guest);
}

/* Far more than are kept parsed, which would be 6 times their text. */
static void test_thousands(void **state)
{
	struct host host = open_host(THOUSANDS, 0, true);
	size_t kept = mallinfo2().uordblks - host.before, length = 0;
	(void)state;
	check_users(&host, 1, "vm-01101");
	check_users(&host, 1101, "vm-00001");
	for (size_t i = 0; i < THOUSANDS; i++) {
		size_t taken = take(&host, i);
		assert_int_not_equal(taken, 0);
		length += taken;
	}
	assert_int_equal(take(&host, THOUSANDS / 2), 0);
	printf("%zu bytes for %zu of text\n", kept, length);
	assert_in_range(kept, 0, 3 * length);
	close_host(&host);
}

/* As patterns and lists of names take them. */
static void test_out_of_order(void **state)
{
	enum { COUNT = 1300 };
	struct host host = open_host(COUNT, 0, true);
	(void)state;
	for (size_t i = 1000; i < 1100; i++)
		assert_int_not_equal(take(&host, i), 0);
	for (size_t i = 0; i < COUNT; i += 10)
		assert_true(!take(&host, i) == (i >= 1000 && i < 1100));
	for (size_t i = COUNT; i-- > 0;)
		assert_true(!take(&host, i) == (i % 10 == 0 || (i >= 1000 && i < 1100)));
	close_host(&host);
}

/* What is too much is not kept, but can still be read. */
static void test_large(void **state)
{
	enum { COUNT = 9, PADDING = 9 << 20 };
	struct host host = open_host(COUNT, PADDING, true);
	const char **names = NULL;
	size_t count, kept = 0, left_out = 0;
	(void)state;
	assert_int_equal(gpupt_survey_list(host.survey, &names, &count, NULL), 0);
	assert_int_equal(count, COUNT);
	free(names);
	for (size_t i = 0; i < COUNT; i++) {
		size_t length = take(&host, i);
		kept += length;
		left_out += !length;
	}
	assert_in_range(kept, PADDING, 64 << 20);
	assert_in_range(left_out, 1, 3);
	close_host(&host);
}

/* For who is going to read each himself: what is listed is known all the same. */
static void test_without_definitions(void **state)
{
	enum { COUNT = 1200 };
	struct host host = open_host(COUNT, 0, false);
	size_t kept = mallinfo2().uordblks - host.before;
	const char **names = NULL;
	size_t count;
	(void)state;
	check_users(&host, 1, "vm-01101");
	assert_int_equal(gpupt_survey_list(host.survey, &names, &count, NULL), 0);
	assert_int_equal(count, COUNT);
	assert_string_equal(names[1], name_of(1));
	free(names);
	assert_int_equal(take(&host, 1), 0);
	assert_in_range(kept, 0, 500 * COUNT);
	close_host(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousands),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_without_definitions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
