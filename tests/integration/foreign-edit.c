/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody else edits a domain while gpupt_libvirt_apply() is at work on it, again and
 * again, right before it looks for the last time: each edit has to survive, and so has
 * the hole. Then measures how long it takes from there to the definition: an edit in that
 * time is lost, whoever makes it.
 *   foreign-edit URI DOMAIN ROUNDS */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/virterror.h>

#include <gpupt/gpupt.h>
#include <gpupt/libvirt.h>

struct round {
	virDomainPtr domain;
	unsigned int number;
	bool edited;
	struct timespec looked, stored;
};

static void check(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", what, virGetLastErrorMessage());
	exit(1);
}

static char *read_text(virDomainPtr domain)
{
	char *text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	check(text, "cannot read the domain");
	return text;
}

static void define(virDomainPtr domain, const char *text)
{
	virDomainPtr defined = virDomainDefineXML(virDomainGetConnect(domain), text);
	check(defined, "cannot define the domain");
	virDomainFree(defined);
}

/* As an editor does: another title. */
static void edit(const struct round *round)
{
	char *text = read_text(round->domain), *edited = NULL;
	char *title = strstr(text, "<title>"), *end = strstr(text, "</title>");
	check(title && end, "no <title>");
	int length = asprintf(&edited, "%.*s<title>edit %u%s", (int)(title - text), text,
			      round->number, end);
	check(length > 0, "no memory");
	define(round->domain, edited);
	free(edited);
	free(text);
}

/* All that is left is to look once more, and to define. */
static int keep(const struct gpupt_outcome *proposal, void *data, struct gpupt_error **error)
{
	struct round *round = data;
	(void)proposal;
	(void)error;
	if (round->number && !round->edited)
		edit(round);
	round->edited = true;
	clock_gettime(CLOCK_MONOTONIC, &round->looked);
	return 0;
}

static void stored(const char *text, void *data)
{
	struct round *round = data;
	(void)text;
	clock_gettime(CLOCK_MONOTONIC, &round->stored);
}

static struct gpupt_inventory *assume(void)
{
	struct gpupt_inventory *inventory = NULL;
	check(gpupt_inventory_assume(NULL, "0000:08:00.0=10de:1b39", &inventory, NULL) == 0,
	      "no inventory");
	return inventory;
}

/* Returns how long it took from the last look to the definition's being read back. */
static double apply(struct round *round, const struct gpupt_inventory *inventory)
{
	struct gpupt_apply_options options = { .keep = keep, .stored = stored,
					       .keep_data = round };
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_libvirt_apply(round->domain, inventory, request, &options, &outcome, &error) < 0) {
		fprintf(stderr, "%s\n", error ? gpupt_error_get_message(error) : "no memory");
		exit(1);
	}
	check(gpupt_outcome_is_defined(outcome), "nothing was defined");
	gpupt_outcome_free(outcome);
	gpupt_request_free(request);
	return (double)(round->stored.tv_sec - round->looked.tv_sec) * 1e3 +
	       (double)(round->stored.tv_nsec - round->looked.tv_nsec) / 1e6;
}

static bool has_both(const struct round *round)
{
	char title[64];
	char *text = read_text(round->domain);
	snprintf(title, sizeof(title), "<title>edit %u</title>", round->number);
	bool both = strstr(text, title) && strstr(text, "<pcihole64 unit='KiB'>67108864<");
	free(text);
	return both;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	check(argc == 4, "foreign-edit URI DOMAIN ROUNDS");
	virConnectPtr connection = virConnectOpen(argv[1]);
	check(connection, "cannot connect");
	struct round round = { .domain = virDomainLookupByName(connection, argv[2]) };
	check(round.domain, "no such domain");
	struct gpupt_inventory *inventory = assume();
	char *original = read_text(round.domain);
	unsigned int rounds = (unsigned int)atoi(argv[3]), survived = 0;
	double *windows = calloc(rounds, sizeof(*windows));
	check(rounds && windows, "no memory");
	for (unsigned int i = 0; i < rounds; i++) {
		define(round.domain, original);
		round.number = i + 1;
		round.edited = false;
		apply(&round, inventory);
		survived += has_both(&round);
		define(round.domain, original);
		round.number = 0; /* nobody edits */
		windows[i] = apply(&round, inventory);
	}
	qsort(windows, rounds, sizeof(*windows), compare);
	printf("%u of %u edits before the last look survived\n", survived, rounds);
	printf("from the last look to the new definition read back: median %.1f ms, longest %.1f ms\n",
	       windows[rounds / 2], windows[rounds - 1]);
	define(round.domain, original);
	free(windows);
	free(original);
	gpupt_inventory_free(inventory);
	virDomainFree(round.domain);
	virConnectClose(connection);
	return survived == rounds ? 0 : 1;
}
