/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "libvirt/error.h"

/* What virConnectListAllDomains() returned. */
struct domain_list {
	virDomainPtr *domains;
	int count;
};

static void domain_list_free(struct domain_list *list)
{
	for (int i = 0; i < list->count; i++)
		virDomainFree(list->domains[i]);
	free(list->domains);
}

static bool same_domain(virDomainPtr a, virDomainPtr b)
{
	unsigned char x[VIR_UUID_BUFLEN], y[VIR_UUID_BUFLEN];
	return virDomainGetUUID(a, x) == 0 && virDomainGetUUID(b, y) == 0 &&
	       memcmp(x, y, sizeof(x)) == 0;
}

/* NULL also for a domain without any: most XML is not worth parsing. */
static struct gpupt_domain *parse_with_hostdevs(virDomainPtr domain, unsigned int flags)
{
	struct gpupt_domain *parsed = NULL;
	GPUPT_AUTOFREE char *text = virDomainGetXMLDesc(domain, flags);
	if (text && strstr(text, "hostdev"))
		gpupt_domain_parse(text, strlen(text), NULL, &parsed, NULL);
	return parsed;
}

static bool lists(const struct gpupt_domain *domain, struct gpupt_pci_address address)
{
	struct gpupt_pci_address other;
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++)
		if (gpupt_domain_get_hostdev(domain, i, &other) &&
		    gpupt_pci_address_compare(address, other) == 0)
			return true;
	return false;
}

/* Who lists what. */
struct gpupt_users {
	struct user {
		struct gpupt_pci_address address;
		size_t domain;
	} *items;
	size_t count;
	size_t capacity;
	struct domain_list domains;
};

GPUPT_EXPORT void gpupt_users_free(struct gpupt_users *users)
{
	if (!users)
		return;
	domain_list_free(&users->domains);
	free(users->items);
	free(users);
}

static int add_hostdevs(const struct gpupt_domain *domain, const struct gpupt_domain *but_not,
			size_t index, struct gpupt_users *users, struct gpupt_error **error)
{
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		if (!gpupt_domain_get_hostdev(domain, i, &address) || lists(but_not, address))
			continue;
		if (!GPUPT_GROW(users->items, users->count, users->capacity))
			return gpupt_fail_nomem(error);
		users->items[users->count++] = (struct user){ address, index };
	}
	return 0;
}

/* A running guest may hold a device that its definition does not list, and the
 * other way round: both count. */
static int add_user(struct gpupt_users *users, size_t index, struct gpupt_error **error)
{
	virDomainPtr domain = users->domains.domains[index];
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *defined =
		parse_with_hostdevs(domain, VIR_DOMAIN_XML_INACTIVE);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *running = NULL;
	if (virDomainIsActive(domain) == 1)
		running = parse_with_hostdevs(domain, 0);
	int r = add_hostdevs(defined, NULL, index, users, error);
	return r < 0 ? r : add_hostdevs(running, defined, index, users, error);
}

/* libvirt lists them in no order. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(virDomainGetName(*(const virDomainPtr *)a),
		      virDomainGetName(*(const virDomainPtr *)b));
}

int gpupt_libvirt_read_users(virConnectPtr connection, virDomainPtr except,
			     struct gpupt_users **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_users_free) struct gpupt_users *users = calloc(1, sizeof(*users));
	if (!users)
		return gpupt_fail_nomem(error);
	users->domains.count = virConnectListAllDomains(connection, &users->domains.domains, 0);
	if (users->domains.count < 0)
		return gpupt_fail_libvirt(error, "cannot list the domains");
	if (users->domains.count)
		qsort(users->domains.domains, (size_t)users->domains.count,
		      sizeof(*users->domains.domains), compare_names);
	for (size_t i = 0; i < (size_t)users->domains.count; i++) {
		if (except && same_domain(users->domains.domains[i], except))
			continue;
		int r = add_user(users, i, error);
		if (r < 0)
			return r;
	}
	virResetLastError();
	*ret = GPUPT_STEAL(users);
	return 0;
}

int gpupt_libvirt_add_users(const struct gpupt_users *users, virDomainPtr except,
			    struct gpupt_request *request, struct gpupt_error **error)
{
	for (size_t i = 0; i < users->count; i++) {
		virDomainPtr domain = users->domains.domains[users->items[i].domain];
		if (except && same_domain(domain, except))
			continue;
		int r = gpupt_request_add_other_user(request, users->items[i].address,
						     virDomainGetName(domain), error);
		if (r < 0)
			return r;
	}
	return 0;
}

GPUPT_EXPORT int gpupt_libvirt_add_other_users(virConnectPtr connection, virDomainPtr except,
					       struct gpupt_request *request,
					       struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_users_free) struct gpupt_users *users = NULL;
	int r = gpupt_libvirt_read_users(connection, except, &users, error);
	return r < 0 ? r : gpupt_libvirt_add_users(users, except, request, error);
}
