/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <libvirt/virterror.h>

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

static int add_hostdevs(const struct gpupt_domain *domain, const struct gpupt_domain *but_not,
			const char *name, struct gpupt_request *request,
			struct gpupt_error **error)
{
	for (size_t i = 0; domain && i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		if (!gpupt_domain_get_hostdev(domain, i, &address) || lists(but_not, address))
			continue;
		int r = gpupt_request_add_other_user(request, address, name, error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A running guest may hold a device that its definition does not list, and the
 * other way round: both count. */
static int add_user(virDomainPtr domain, struct gpupt_request *request,
		    struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *defined =
		parse_with_hostdevs(domain, VIR_DOMAIN_XML_INACTIVE);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *running = NULL;
	if (virDomainIsActive(domain) == 1)
		running = parse_with_hostdevs(domain, 0);
	const char *name = virDomainGetName(domain);
	int r = add_hostdevs(defined, NULL, name, request, error);
	return r < 0 ? r : add_hostdevs(running, defined, name, request, error);
}

GPUPT_EXPORT int gpupt_libvirt_add_other_users(virConnectPtr connection, virDomainPtr except,
					       struct gpupt_request *request,
					       struct gpupt_error **error)
{
	__attribute__((cleanup(domain_list_free))) struct domain_list list = { 0 };
	list.count = virConnectListAllDomains(connection, &list.domains, 0);
	if (list.count < 0)
		return gpupt_fail_libvirt(error, "cannot list the domains");
	for (int i = 0; i < list.count; i++) {
		if (except && same_domain(list.domains[i], except))
			continue;
		int r = add_user(list.domains[i], request, error);
		if (r < 0)
			return r;
	}
	virResetLastError();
	return 0;
}
