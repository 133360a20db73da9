/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the guest's firmware is: by the domain's text, by the user's words, and by what
 * its file says of itself. */

#include "firmware/firmware.h"
#include "plan/making.h"

/* Files of every distribution: OVMF_CODE_4M.fd, ovmf-x86_64-code.bin,
 * edk2-x86_64-code.fd, TDVF.fd. */
bool gpupt_asks_ovmf(const struct gpupt_domain *domain)
{
	static const char *const names[] = { "ovmf", "edk2", "tdvf", "uefi" };
	if (domain->os_firmware)
		return strcmp(domain->os_firmware, "efi") == 0;
	if (gpupt_is(domain->loader_type, "pflash"))
		return true;
	for (size_t i = 0; domain->loader && i < GPUPT_ARRAY_SIZE(names); i++)
		if (strcasestr(domain->loader, names[i]))
			return true;
	return false;
}

enum gpupt_tristate gpupt_means_ovmf(const char *name)
{
	if (name && (strcmp(name, "ovmf") == 0 || gpupt_ovmf_release(name)))
		return GPUPT_YES;
	if (name && (strcmp(name, "seabios") == 0 || gpupt_seabios_release(name)))
		return GPUPT_NO;
	return GPUPT_UNSET;
}

static unsigned int release_of(const char *name)
{
	unsigned int release = gpupt_ovmf_release(name);
	return release ? release : gpupt_seabios_release(name);
}

static bool is_ovmf(const struct gpupt_host_firmware *file)
{
	return gpupt_means_ovmf(file->name) == GPUPT_YES;
}

/* What the guest's firmware file says; NULL where that is not known. Where the domain
 * names none, or another one of the same directory, the host's files of its kind stand
 * for it if they agree. */
static const struct gpupt_host_firmware *find_file(const struct gpupt_making *making)
{
	const struct gpupt_host *host =
		making->inventory ? gpupt_inventory_get_host(making->inventory) : NULL;
	const char *loader = making->domain->loader;
	const struct gpupt_host_firmware *found = NULL;
	const char *slash = loader ? strrchr(loader, '/') : NULL;
	size_t directory = slash ? (size_t)(slash - loader) + 1 : 0;
	bool agree = true;
	for (size_t i = 0; host && i < host->n_firmware; i++) {
		const struct gpupt_host_firmware *firmware = &host->firmware[i];
		if (loader && strcmp(firmware->file, loader) == 0)
			return firmware;
		if ((loader && (!directory || strncmp(firmware->file, loader, directory) != 0 ||
				strchr(firmware->file + directory, '/'))) ||
		    is_ovmf(firmware) != gpupt_asks_ovmf(making->domain))
			continue;
		agree = agree && (!found || strcmp(found->name, firmware->name) == 0);
		found = firmware;
	}
	return agree ? found : NULL;
}

/* What a firmware file says may not be what the user says, or the domain. */
static void check_file(struct gpupt_making *making, const struct gpupt_host_firmware *file)
{
	const struct gpupt_domain *domain = making->domain;
	const char *said = making->request->firmware;
	unsigned int release = said ? gpupt_release_of_platform(said, is_ovmf(file)) : 0;
	if (said && !release)
		release = release_of(said);
	enum gpupt_tristate kind = gpupt_means_ovmf(said);
	const char *version = file->version ? file->version : file->name;
	const char *text = gpupt_making_text(making, "%s says that it is %s (%s)", file->file,
					     version, file->name);
	if ((release && release != release_of(file->name)) ||
	    (kind && (kind == GPUPT_YES) != is_ovmf(file)))
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FIRMWARE_DOUBTFUL, domain,
				   &domain->os, "os", "%s, and %s is what was said; that is taken",
				   text, said);
	else if (!said && is_ovmf(file) != gpupt_asks_ovmf(domain))
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FIRMWARE_DOUBTFUL, domain,
				   &domain->os, "os", "the domain asks for %s, and %s; that is taken",
				   is_ovmf(file) ? "SeaBIOS" : "OVMF", text);
}

/* Of the distribution's own build more is known than its release. */
static bool is_own_build(const struct gpupt_making *making,
			 const struct gpupt_host_firmware *file)
{
	return is_ovmf(file) == gpupt_asks_ovmf(making->domain) &&
	       gpupt_release_of_host(making, is_ovmf(file)) == release_of(file->name);
}

/* What is known of the release: the user's words count, then the file's. */
void gpupt_settle_firmware(struct gpupt_making *making)
{
	const struct gpupt_request *request = making->request;
	const struct gpupt_host_firmware *file = find_file(making);
	const char *said = request->firmware;
	if (said && release_of(said)) {
		making->release = said;
		making->release_of_file = request->firmware_of_file;
	} else if (file && (!said || gpupt_means_ovmf(said) == gpupt_means_ovmf(file->name)) &&
		   !is_own_build(making, file)) {
		making->release = file->name;
		making->release_of_file = true;
	}
	if (file)
		check_file(making, file);
}

GPUPT_EXPORT const char *gpupt_request_firmware_file(const struct gpupt_request *request,
						     const struct gpupt_domain *domain,
						     const struct gpupt_inventory *inventory)
{
	const struct gpupt_making making = { .domain = domain, .inventory = inventory };
	if (!domain->loader || *domain->loader != '/')
		return NULL;
	bool known = gpupt_release_of_host(&making, gpupt_asks_ovmf(domain));
	return known && !request->firmware ? NULL : domain->loader;
}
