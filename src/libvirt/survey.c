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
enum { MAX_WORKERS = 4, DOMAINS_PER_WORKER = 8 };

/* Parsed a definition takes four times the memory of its text. So only the first ones stay
 * parsed, which costs no time while others are waited for, and the next ones are parsed
 * when those are gone. Beyond so much text none is kept: it is read once more. */
enum { PARSED_AHEAD = 1024, MAX_SKIPPED = 64, MAX_TEXT = 64 << 20 };

struct gpupt_survey {
	/* In the order of names: libvirt lists them in no order. */
	struct entry {
		virDomainPtr domain;
		const char *name;
		bool transient;              /* there is no definition */
		char *text;                  /* the definition, or NULL */
		struct gpupt_domain *parsed; /* the same, in its place */
	} *entries;
	size_t count;
	size_t first_parsed, end_parsed; /* others are not */
	/* Who lists what. */
	struct user {
		struct gpupt_pci_address address;
		size_t entry;
		unsigned char uuid[VIR_UUID_BUFLEN]; /* libvirt takes its time for each */
	} *users;
	size_t n_users;
	size_t capacity;
};

/* What several threads do to entries, each to one at a time. */
struct work {
	struct gpupt_survey *survey;
	void (*each)(struct work *work, size_t index);
	atomic_size_t next;
	size_t end;
	/* reading: */
	virDomainPtr except;
	bool keeps_definitions;
	atomic_size_t length;  /* of all texts */
	pthread_mutex_t users; /* for who adds some, and notes that memory is short */
	bool failed;
};

static void clear(struct entry *entry)
{
	free(entry->text);
	gpupt_domain_free(entry->parsed);
	entry->text = NULL;
	entry->parsed = NULL;
}

GPUPT_EXPORT void gpupt_survey_free(struct gpupt_survey *survey)
{
	if (!survey)
		return;
	for (size_t i = 0; i < survey->count; i++) {
		virDomainFree(survey->entries[i].domain);
		clear(&survey->entries[i]);
	}
	free(survey->entries);
	free(survey->users);
	free(survey);
}

/* ---- in several threads */

static void *work_on_some(void *data)
{
	struct work *work = data;
	for (;;) {
		size_t i = atomic_fetch_add(&work->next, 1);
		if (i >= work->end)
			break;
		work->each(work, i);
	}
	virResetLastError();
	return NULL;
}

/* From `next` on. This thread works, too: where no other can be had, alone. */
static void work_on_all(struct work *work)
{
	pthread_t workers[MAX_WORKERS - 1];
	size_t n = 0, count = work->end - work->next;
	while (n < MAX_WORKERS - 1 && (n + 1) * DOMAINS_PER_WORKER < count &&
	       pthread_create(&workers[n], NULL, work_on_some, work) == 0)
		n++;
	work_on_some(work);
	while (n > 0)
		pthread_join(workers[--n], NULL);
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

static bool add_users(struct gpupt_survey *survey, size_t index, const struct gpupt_domain *domain,
		      const struct gpupt_domain *but_not)
{
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		if (!gpupt_domain_get_hostdev(domain, i, &address) || lists(but_not, address))
			continue;
		if (!GPUPT_GROW(survey->users, survey->n_users, survey->capacity))
			return false;
		survey->users[survey->n_users++] = (struct user){ address, index, { 0 } };
	}
	return true;
}

/* A running guest may hold a device that its definition does not list, and the other way
 * round: both count. */
static void note_users(struct work *work, size_t index, const struct gpupt_domain *defined,
		       const struct gpupt_domain *running)
{
	pthread_mutex_lock(&work->users);
	work->failed |= !add_users(work->survey, index, defined, NULL) ||
			!add_users(work->survey, index, running, defined);
	pthread_mutex_unlock(&work->users);
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

/* ---- reading */

static bool same_domain(virDomainPtr a, virDomainPtr b)
{
	unsigned char x[VIR_UUID_BUFLEN], y[VIR_UUID_BUFLEN];
	return virDomainGetUUID(a, x) == 0 && virDomainGetUUID(b, y) == 0 &&
	       memcmp(x, y, sizeof(x)) == 0;
}

/* What cannot be parsed stays text. */
static void parse(struct entry *entry)
{
	if (entry->text && gpupt_domain_parse(entry->text, strlen(entry->text), entry->name,
					      &entry->parsed, NULL) == 0) {
		free(entry->text);
		entry->text = NULL;
	}
}

static void unparse(struct entry *entry)
{
	if (!entry->parsed)
		return;
	entry->text = strdup(gpupt_domain_get_text(entry->parsed, NULL));
	gpupt_domain_free(entry->parsed);
	entry->parsed = NULL;
}

/* Most XML is not worth parsing for that. */
static bool may_list(const char *text)
{
	return text && strstr(text, "hostdev");
}

/* One that vanishes meanwhile or cannot be read is passed over. Whether it runs the list
 * told already, by the id. */
static void read_entry(struct work *work, size_t index)
{
	struct entry *entry = &work->survey->entries[index], running = { .name = entry->name };
	if (work->except && same_domain(entry->domain, work->except))
		return;
	bool stays_parsed = index < work->survey->end_parsed;
	entry->text = gpupt_libvirt_fetch(entry->domain, false);
	size_t length = entry->text ? strlen(entry->text) : 0;
	if (stays_parsed || may_list(entry->text))
		parse(entry);
	if (virDomainGetID(entry->domain) != (unsigned int)-1)
		running.text = virDomainGetXMLDesc(entry->domain, 0);
	if (may_list(running.text))
		parse(&running);
	note_users(work, index, entry->parsed, running.parsed);
	clear(&running);
	if (!work->keeps_definitions ||
	    atomic_fetch_add(&work->length, length) + length > MAX_TEXT)
		clear(entry);
	else if (!stays_parsed)
		unparse(entry);
}

static int read_all(struct gpupt_survey *survey, virDomainPtr except, bool keep_definitions,
		    struct gpupt_error **error)
{
	struct work work = { .survey = survey, .each = read_entry, .end = survey->count,
			     .except = except, .keeps_definitions = keep_definitions,
			     .users = PTHREAD_MUTEX_INITIALIZER };
	survey->end_parsed = keep_definitions ? PARSED_AHEAD : 0;
	work_on_all(&work);
	if (work.failed)
		return gpupt_fail_nomem(error);
	keep_two_of_each(survey);
	return 0;
}

/* ---- parsing ahead of those who take one after the other */

static void parse_entry(struct work *work, size_t index)
{
	parse(&work->survey->entries[index]);
}

/* Those that were skipped were parsed in vain. Who skips more than some transient ones takes
 * them in no such order: see MAX_SKIPPED. */
static void parse_from(struct gpupt_survey *survey, size_t first)
{
	size_t left = survey->count - first;
	struct work work = { .survey = survey, .each = parse_entry, .next = first,
			     .end = first + (left < PARSED_AHEAD ? left : PARSED_AHEAD) };
	for (size_t i = survey->first_parsed; i < survey->end_parsed && i < survey->count; i++)
		unparse(&survey->entries[i]);
	survey->first_parsed = first;
	survey->end_parsed = work.end;
	work_on_all(&work);
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

int gpupt_libvirt_survey(virConnectPtr connection, virDomainPtr except, enum gpupt_survey_use use,
			 struct gpupt_survey **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_survey_free) struct gpupt_survey *survey = calloc(1, sizeof(*survey));
	if (!survey)
		return gpupt_fail_nomem(error);
	int r = list(connection, survey, error);
	if (r == 0 && use >= GPUPT_SURVEY_NAMES)
		r = mark_transient(connection, survey, error);
	if (r < 0)
		return r;
	r = read_all(survey, except, use == GPUPT_SURVEY_DEFINITIONS, error);
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
	if (!entry || (!entry->text && !entry->parsed))
		return GPUPT_E_NOT_FOUND;
	size_t index = (size_t)(entry - survey->entries);
	if (index >= survey->end_parsed && index - survey->end_parsed < MAX_SKIPPED)
		parse_from(survey, index);
	GPUPT_AUTOFREE char *text = GPUPT_STEAL(entry->text);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = GPUPT_STEAL(entry->parsed);
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
	int r = gpupt_libvirt_survey(connection, except, GPUPT_SURVEY_USERS, &survey, error);
	return r < 0 ? r : gpupt_libvirt_survey_add_users(survey, except, request, error);
}
