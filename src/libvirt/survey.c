/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All domains of a connection, read in one go. Each is a question to the daemon and an
 * answer from it, often over a network: several threads ask, on one connection, which
 * libvirt allows. */

#include "libvirt/outcome.h"

#include <pthread.h>
#include <stdatomic.h>

#include <libvirt/virterror.h>

#include "base/error.h"
#include "libvirt/error.h"

/* libvirtd works on 5 questions of a client at a time (max_client_requests of
 * libvirtd.conf), and who waits for none parses. On a local socket and two processors four
 * readers take half the time of one, more take no less; over a network they wait for four
 * answers at once. */
enum { MAX_READERS = 4, DOMAINS_PER_READER = 8 };

struct gpupt_survey {
	/* In the order of names: libvirt lists them in no order. */
	struct entry {
		virDomainPtr domain;
		const char *name;
		bool transient;               /* there is no definition */
		char *text;                   /* the definition; NULL: not read, or parsed */
		struct gpupt_domain *defined; /* parsed */
		struct gpupt_domain *running; /* what runs now, for its hostdevs */
	} *entries;
	size_t count;
	/* Who lists what. */
	struct user {
		struct gpupt_pci_address address;
		size_t entry;
		unsigned char uuid[VIR_UUID_BUFLEN]; /* libvirt takes its time for each */
	} *users;
	size_t n_users;
	size_t capacity;
};

struct reading {
	struct gpupt_survey *survey;
	virDomainPtr except;
	bool hostdevs_only;
	atomic_size_t next;
};

GPUPT_EXPORT void gpupt_survey_free(struct gpupt_survey *survey)
{
	if (!survey)
		return;
	for (size_t i = 0; i < survey->count; i++) {
		virDomainFree(survey->entries[i].domain);
		free(survey->entries[i].text);
		gpupt_domain_free(survey->entries[i].defined);
		gpupt_domain_free(survey->entries[i].running);
	}
	free(survey->entries);
	free(survey->users);
	free(survey);
}

static bool same_domain(virDomainPtr a, virDomainPtr b)
{
	unsigned char x[VIR_UUID_BUFLEN], y[VIR_UUID_BUFLEN];
	return virDomainGetUUID(a, x) == 0 && virDomainGetUUID(b, y) == 0 &&
	       memcmp(x, y, sizeof(x)) == 0;
}

/* ---- reading */

/* NULL also for a domain without any, where only hostdevs matter: most XML is not worth
 * parsing then. */
static struct gpupt_domain *parse(const struct entry *entry, const char *text,
				  bool hostdevs_only)
{
	struct gpupt_domain *parsed = NULL;
	if (text && (!hostdevs_only || strstr(text, "hostdev")))
		gpupt_domain_parse(text, strlen(text), entry->name, &parsed, NULL);
	return parsed;
}

/* One that vanishes meanwhile or cannot be read is passed over. A running guest may hold a
 * device that its definition does not list, and the other way round: both count. Whether
 * it runs the list told already, by the id. */
static void read_entry(struct entry *entry, bool hostdevs_only)
{
	entry->text = gpupt_libvirt_fetch(entry->domain, false);
	entry->defined = parse(entry, entry->text, hostdevs_only);
	if (entry->defined) {
		free(entry->text);
		entry->text = NULL;
	}
	if (virDomainGetID(entry->domain) == (unsigned int)-1)
		return;
	GPUPT_AUTOFREE char *live = virDomainGetXMLDesc(entry->domain, 0);
	entry->running = parse(entry, live, true);
}

static void *read_some(void *data)
{
	struct reading *reading = data;
	struct gpupt_survey *survey = reading->survey;
	for (;;) {
		size_t i = atomic_fetch_add(&reading->next, 1);
		if (i >= survey->count)
			break;
		if (!reading->except || !same_domain(survey->entries[i].domain, reading->except))
			read_entry(&survey->entries[i], reading->hostdevs_only);
	}
	virResetLastError();
	return NULL;
}

/* This thread reads, too: where no other can be had, alone. */
static void read_all(struct reading *reading)
{
	pthread_t readers[MAX_READERS - 1];
	size_t n = 0;
	while (n < MAX_READERS - 1 && (n + 1) * DOMAINS_PER_READER < reading->survey->count &&
	       pthread_create(&readers[n], NULL, read_some, reading) == 0)
		n++;
	read_some(reading);
	while (n > 0)
		pthread_join(readers[--n], NULL);
}

/* ---- who lists what */

static bool lists(const struct gpupt_domain *domain, struct gpupt_pci_address address)
{
	struct gpupt_pci_address other;
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++)
		if (gpupt_domain_get_hostdev(domain, i, &other) &&
		    gpupt_pci_address_compare(address, other) == 0)
			return true;
	return false;
}

static int add_hostdevs(const struct gpupt_domain *domain, const struct gpupt_domain *but_not,
			size_t index, struct gpupt_survey *survey, struct gpupt_error **error)
{
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		if (!gpupt_domain_get_hostdev(domain, i, &address) || lists(but_not, address))
			continue;
		if (!GPUPT_GROW(survey->users, survey->n_users, survey->capacity))
			return gpupt_fail_nomem(error);
		survey->users[survey->n_users++] = (struct user){ address, index, { 0 } };
	}
	return 0;
}

static int compare_users(const void *a, const void *b)
{
	const struct user *x = a, *y = b;
	int order = gpupt_pci_address_compare(x->address, y->address);
	return order ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

/* Whoever asks wants to know of one that is not itself: two of each device do. A thousand
 * copies of one definition would else cost each of them a thousand names. */
static void keep_two_of_each(struct gpupt_survey *survey)
{
	size_t kept = 0;
	if (survey->n_users)
		qsort(survey->users, survey->n_users, sizeof(*survey->users), compare_users);
	for (size_t i = 0; i < survey->n_users; i++)
		if (kept < 2 || gpupt_pci_address_compare(survey->users[i].address,
							  survey->users[kept - 2].address) != 0)
			survey->users[kept++] = survey->users[i];
	survey->n_users = kept;
	for (size_t i = 0; i < kept; i++)
		virDomainGetUUID(survey->entries[survey->users[i].entry].domain,
				 survey->users[i].uuid);
}

static int find_users(struct gpupt_survey *survey, struct gpupt_error **error)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < survey->count; i++) {
		struct entry *entry = &survey->entries[i];
		r = add_hostdevs(entry->defined, NULL, i, survey, error);
		if (r == 0)
			r = add_hostdevs(entry->running, entry->defined, i, survey, error);
		gpupt_domain_free(entry->running);
		entry->running = NULL;
	}
	keep_two_of_each(survey);
	return r;
}

/* ---- a survey */

static int compare_names(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int compare_to_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct entry *)entry)->name);
}

static struct entry *find(struct gpupt_survey *survey, const char *name)
{
	return bsearch(name, survey->entries, survey->count, sizeof(*survey->entries),
		       compare_to_name);
}

static int list(virConnectPtr connection, struct gpupt_survey *survey,
		struct gpupt_error **error)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(connection, &domains, 0);
	if (count < 0)
		return gpupt_fail_libvirt(error, "cannot list the domains");
	survey->entries = calloc((size_t)count + 1, sizeof(*survey->entries));
	for (int i = 0; i < count; i++) {
		if (survey->entries)
			survey->entries[survey->count++] = (struct entry){
				.domain = domains[i], .name = virDomainGetName(domains[i]) };
		else
			virDomainFree(domains[i]);
	}
	free(domains);
	if (!survey->entries)
		return gpupt_fail_nomem(error);
	qsort(survey->entries, survey->count, sizeof(*survey->entries), compare_names);
	return 0;
}

/* Which they are another list tells: of these there are few, if any. */
static int mark_transient(virConnectPtr connection, struct gpupt_survey *survey,
			  struct gpupt_error **error)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(connection, &domains,
					     VIR_CONNECT_LIST_DOMAINS_TRANSIENT);
	if (count < 0)
		return gpupt_fail_libvirt(error, "cannot list the domains");
	for (int i = 0; i < count; i++) {
		struct entry *entry = find(survey, virDomainGetName(domains[i]));
		if (entry)
			entry->transient = true;
		virDomainFree(domains[i]);
	}
	free(domains);
	return 0;
}

int gpupt_libvirt_survey(virConnectPtr connection, virDomainPtr except, bool hostdevs_only,
			 struct gpupt_survey **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_survey_free) struct gpupt_survey *survey = calloc(1, sizeof(*survey));
	if (!survey)
		return gpupt_fail_nomem(error);
	int r = list(connection, survey, error);
	if (r == 0 && !hostdevs_only)
		r = mark_transient(connection, survey, error);
	if (r < 0)
		return r;
	struct reading reading = { .survey = survey, .except = except,
				   .hostdevs_only = hostdevs_only };
	read_all(&reading);
	r = find_users(survey, error);
	if (r == 0)
		*ret = GPUPT_STEAL(survey);
	return r;
}

int gpupt_libvirt_survey_add_users(const struct gpupt_survey *survey, virDomainPtr except,
				   struct gpupt_request *request, struct gpupt_error **error)
{
	unsigned char uuid[VIR_UUID_BUFLEN];
	bool is_one = except && virDomainGetUUID(except, uuid) == 0;
	for (size_t i = 0; i < survey->n_users; i++) {
		const struct user *user = &survey->users[i];
		if (is_one && memcmp(user->uuid, uuid, sizeof(uuid)) == 0)
			continue;
		int r = gpupt_request_add_other_user(request, user->address,
						     survey->entries[user->entry].name, error);
		if (r < 0)
			return r;
	}
	return 0;
}

GPUPT_EXPORT int gpupt_survey_list(const struct gpupt_survey *survey, const char ***ret_names,
				   size_t *ret_count, struct gpupt_error **error)
{
	const char **names = calloc(survey->count + 1, sizeof(*names));
	size_t count = 0;
	if (!names)
		return gpupt_fail_nomem(error);
	for (size_t i = 0; i < survey->count; i++)
		if (!survey->entries[i].transient)
			names[count++] = survey->entries[i].name;
	*ret_names = names;
	*ret_count = count;
	return 0;
}

int gpupt_libvirt_survey_take(struct gpupt_survey *survey, const char *name,
			      virDomainPtr *ret_domain, struct gpupt_domain **ret,
			      struct gpupt_error **error)
{
	struct entry *entry = find(survey, name);
	if (!entry || (!entry->text && !entry->defined))
		return GPUPT_E_NOT_FOUND;
	GPUPT_AUTOFREE char *text = GPUPT_STEAL(entry->text);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = GPUPT_STEAL(entry->defined);
	int r = domain ? 0 : gpupt_domain_parse(text, strlen(text), name, &domain, error);
	if (r < 0)
		return r;
	virDomainRef(entry->domain);
	*ret_domain = entry->domain;
	*ret = GPUPT_STEAL(domain);
	return 0;
}

GPUPT_EXPORT int gpupt_libvirt_add_other_users(virConnectPtr connection, virDomainPtr except,
					       struct gpupt_request *request,
					       struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_survey_free) struct gpupt_survey *survey = NULL;
	int r = gpupt_libvirt_survey(connection, except, true, &survey, error);
	return r < 0 ? r : gpupt_libvirt_survey_add_users(survey, except, request, error);
}
