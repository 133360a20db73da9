/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/request.h"

#include <gpupt/firmware.h>

#include "base/error.h"
#include "plan/making.h"

GPUPT_EXPORT struct gpupt_request *gpupt_request_new(void)
{
	struct gpupt_request *request = calloc(1, sizeof(*request));
	if (request)
		request->allowed = GPUPT_BIT(GPUPT_REMEDY_HOLE) |
				   GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) |
				   GPUPT_BIT(GPUPT_REMEDY_HOTPLUG);
	return request;
}

GPUPT_EXPORT void gpupt_request_free(struct gpupt_request *request)
{
	if (!request)
		return;
	free(request->add);
	free(request->remove);
	free(request->other_users);
	gpupt_arena_free(request->arena);
	free(request);
}

static int keep_selector(struct gpupt_request *request, const char *selector, const char ***list,
			 size_t *count, size_t *capacity, struct gpupt_error **error)
{
	const char *copy = gpupt_arena_copy(&request->arena, selector, strlen(selector));
	if (!copy || !GPUPT_GROW(*list, *count, *capacity))
		return gpupt_fail_nomem(error);
	(*list)[(*count)++] = copy;
	return 0;
}

GPUPT_EXPORT int gpupt_request_add_device(struct gpupt_request *request, const char *selector,
					  struct gpupt_error **error)
{
	return keep_selector(request, selector, &request->add, &request->n_add, &request->c_add,
			     error);
}

GPUPT_EXPORT int gpupt_request_remove_device(struct gpupt_request *request, const char *selector,
					     struct gpupt_error **error)
{
	return keep_selector(request, selector, &request->remove, &request->n_remove,
			     &request->c_remove, error);
}

GPUPT_EXPORT int gpupt_request_add_other_user(struct gpupt_request *request,
					      struct gpupt_pci_address address,
					      const char *domain_name, struct gpupt_error **error)
{
	const char *name = gpupt_arena_copy(&request->arena, domain_name, strlen(domain_name));
	if (!name ||
	    !GPUPT_GROW(request->other_users, request->n_other_users, request->c_other_users))
		return gpupt_fail_nomem(error);
	request->other_users[request->n_other_users++] = (struct gpupt_other_user){ address, name };
	return 0;
}

const char *gpupt_request_other_user(const struct gpupt_request *request,
				     struct gpupt_pci_address address)
{
	for (size_t i = 0; i < request->n_other_users; i++)
		if (gpupt_pci_address_compare(request->other_users[i].address, address) == 0)
			return request->other_users[i].domain_name;
	return NULL;
}

GPUPT_EXPORT void gpupt_request_set_hole(struct gpupt_request *request,
					 enum gpupt_hole_policy policy, uint64_t size_bytes)
{
	request->hole_policy = policy;
	request->hole_bytes = size_bytes;
}

GPUPT_EXPORT void gpupt_request_set_rounding(struct gpupt_request *request,
					     enum gpupt_rounding rounding)
{
	request->rounding = rounding;
}

GPUPT_EXPORT void gpupt_request_set_headroom(struct gpupt_request *request, uint64_t size_bytes)
{
	request->headroom_bytes = size_bytes;
}

GPUPT_EXPORT void gpupt_request_set_allow_shrink(struct gpupt_request *request, bool allow)
{
	request->allow_shrink = allow;
}

GPUPT_EXPORT void gpupt_request_set_force(struct gpupt_request *request, bool force)
{
	request->force = force;
}

GPUPT_EXPORT void gpupt_request_set_siblings(struct gpupt_request *request, bool siblings)
{
	request->no_siblings = !siblings;
}

GPUPT_EXPORT void gpupt_request_set_multifunction(struct gpupt_request *request,
						  bool multifunction)
{
	request->multifunction = multifunction;
}

/* ---- remedies */

static const char *const remedy_names[] = { GPUPT_REMEDY_NAMES };

GPUPT_EXPORT const char *gpupt_remedy_name(enum gpupt_remedy remedy)
{
	return (size_t)remedy < GPUPT_ARRAY_SIZE(remedy_names) ? remedy_names[remedy] : "unknown";
}

static int parse_remedies(const char *names, unsigned int *ret, struct gpupt_error **error)
{
	unsigned int bits = 0;
	for (const char *name = names; *name; name += *name == ',') {
		size_t length = strcspn(name, ","), i = 0;
		while (i < GPUPT_ARRAY_SIZE(remedy_names) &&
		       (strlen(remedy_names[i]) != length ||
			strncmp(remedy_names[i], name, length) != 0))
			i++;
		if (i == GPUPT_ARRAY_SIZE(remedy_names))
			return gpupt_fail(error, GPUPT_E_SYNTAX,
					  "there is no remedy \"%.*s\"; there are hole, memreserve, "
					  "hotplug, move, maxphysaddr, fwcfg and cmdline",
					  (int)(length < 64 ? length : 64), name);
		bits |= 1u << i;
		name += length;
	}
	*ret = bits;
	return 0;
}

GPUPT_EXPORT int gpupt_request_allow(struct gpupt_request *request, const char *names,
				     struct gpupt_error **error)
{
	unsigned int bits = 0;
	int r = parse_remedies(names, &bits, error);
	request->allowed |= bits;
	request->named |= bits;
	return r;
}

GPUPT_EXPORT int gpupt_request_forbid(struct gpupt_request *request, const char *names,
				      struct gpupt_error **error)
{
	unsigned int bits = 0;
	int r = parse_remedies(names, &bits, error);
	request->allowed &= ~bits;
	request->named &= ~bits;
	return r;
}

GPUPT_EXPORT void gpupt_request_set_libvirt(struct gpupt_request *request, unsigned long version)
{
	request->libvirt = version;
}

static int set_firmware(struct gpupt_request *request, const char *name, bool of_file,
			struct gpupt_error **error)
{
	const char *copy = name ? gpupt_arena_copy(&request->arena, name, strlen(name)) : NULL;
	if (name && !copy)
		return gpupt_fail_nomem(error);
	request->firmware = copy;
	request->firmware_of_file = of_file;
	return 0;
}

GPUPT_EXPORT int gpupt_request_set_firmware_file(struct gpupt_request *request,
						 const struct gpupt_firmware *file,
						 struct gpupt_error **error)
{
	return set_firmware(request, file->name, true, error);
}

GPUPT_EXPORT int gpupt_request_set_firmware(struct gpupt_request *request, const char *firmware,
					    struct gpupt_error **error)
{
	struct gpupt_firmware file;
	bool is_file = firmware && strchr(firmware, '/');
	int r = is_file ? gpupt_firmware_identify(firmware, &file, error) :
		firmware ? gpupt_firmware_check(firmware, error) : 0;
	if (r < 0)
		return r;
	return is_file ? gpupt_request_set_firmware_file(request, &file, error) :
			 set_firmware(request, firmware, false, error);
}

GPUPT_EXPORT int gpupt_request_set_guest_kernel(struct gpupt_request *request,
						const char *version, struct gpupt_error **error)
{
	unsigned int number = 0;
	int r = version ? gpupt_kernel_parse(version, &number, error) : 0;
	if (r == 0)
		request->guest_kernel = number;
	return r;
}
