/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/qmp.h"

#include "base/util.h"
#include "domain/running.h"

/* By the name that libvirt gave it, else by its place. */
static struct gpupt_seen_function *find(const struct gpupt_seen_functions *seen,
					const struct gpupt_domain *domain, size_t i)
{
	char path[GPUPT_GUEST_PATH_MAX];
	const char *alias = gpupt_domain_get_hostdev_alias(domain, i);
	for (size_t j = 0; alias && j < seen->count; j++)
		if (strcmp(seen->items[j].id, alias) == 0)
			return &seen->items[j];
	if (!gpupt_domain_get_hostdev_path(domain, i, path))
		return NULL;
	for (size_t j = 0; j < seen->count; j++)
		if (strcmp(seen->items[j].path, path) == 0)
			return &seen->items[j];
	return NULL;
}

int gpupt_qmp_match(const struct gpupt_seen_functions *seen, const struct gpupt_domain *domain,
		    struct gpupt_seen_function **ret, size_t *ret_count,
		    struct gpupt_error **error)
{
	size_t n_hostdevs = gpupt_domain_count_hostdevs(domain), count = 0;
	struct gpupt_seen_function *functions =
		calloc(n_hostdevs + seen->count + 1, sizeof(*functions));
	if (!functions)
		return gpupt_fail_nomem(error);
	for (size_t i = 0; i < n_hostdevs; i++) {
		struct gpupt_pci_address host;
		const char *alias = gpupt_domain_get_hostdev_alias(domain, i);
		if (!gpupt_domain_get_hostdev(domain, i, &host))
			continue;
		struct gpupt_seen_function *found = find(seen, domain, i);
		bool free_to_take = found && !found->passed_through;
		functions[count] = free_to_take ? *found : (struct gpupt_seen_function){
			.id = alias ? alias : "", .path = "" };
		functions[count].passed_through = true;
		functions[count++].host = host;
		if (free_to_take)
			found->passed_through = true;
	}
	for (size_t i = 0; i < seen->count; i++)
		if (!seen->items[i].passed_through)
			functions[count++] = seen->items[i];
	*ret = functions;
	*ret_count = count;
	return 0;
}
