/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host's firmware files say of themselves, as facts about the host. */

#include "firmware/firmware.h"
#include "pci/inventory.h"

/* Where packages put what guests start with. The variants of one directory (secure
 * boot, other sizes) come from one build: the first that is there stands for all. */
static const char *const installed[] = {
	"/usr/share/OVMF/OVMF_CODE_4M.fd",           /* Debian, Ubuntu */
	"/usr/share/OVMF/OVMF_CODE.fd",              /* Ubuntu 22.04, Debian 11 */
	"/usr/share/edk2/ovmf/OVMF_CODE.fd",         /* Fedora, RHEL */
	"/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", /* RHEL 9 */
	"/usr/share/edk2/x64/OVMF_CODE.4m.fd",       /* Arch */
	"/usr/share/qemu/ovmf-x86_64-code.bin",      /* openSUSE */
	"/usr/share/qemu/edk2-x86_64-code.fd",       /* as QEMU installs it */
	"/usr/share/seabios/bios-256k.bin",          /* Debian, Ubuntu, Fedora, RHEL */
	"/usr/share/qemu/bios-256k.bin",             /* openSUSE, as QEMU installs it */
};

/* Another file of the same directory that is known already. */
static bool is_known(const struct gpupt_inventory *inventory, const char *file)
{
	const struct gpupt_host *host = gpupt_inventory_get_host(inventory);
	size_t directory = (size_t)(gpupt_basename(file) - file);
	for (size_t i = 0; i < host->n_firmware; i++)
		if (strncmp(host->firmware[i].file, file, directory) == 0 &&
		    !strchr(host->firmware[i].file + directory, '/') &&
		    (strstr(host->firmware[i].file + directory, "bios") != NULL) ==
		    (strstr(file + directory, "bios") != NULL))
			return true;
	return false;
}

static int read_file(struct gpupt_inventory *inventory, const char *file,
		     struct gpupt_error **error)
{
	struct gpupt_firmware firmware;
	int r = gpupt_firmware_identify(file, &firmware, NULL);
	if (r == GPUPT_E_NOMEM)
		return gpupt_fail_nomem(error);
	if (r < 0 || !firmware.release)
		return 0;
	const struct gpupt_host_firmware fact = { file, firmware.name, firmware.version };
	return gpupt_inventory_add_firmware(inventory, &fact, error);
}

GPUPT_EXPORT int gpupt_inventory_read_firmware(const struct gpupt_inventory *base,
					       const char *file, struct gpupt_inventory **ret,
					       struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	int r = gpupt_inventory_copy(made, base, NULL, error);
	if (r == 0 && file)
		r = read_file(made, file, error);
	for (size_t i = 0; r == 0 && !file && i < GPUPT_ARRAY_SIZE(installed); i++)
		if (!is_known(made, installed[i]))
			r = read_file(made, installed[i], error);
	if (r == 0)
		r = gpupt_inventory_seal(made, GPUPT_DUPLICATES_REFUSE, "the host", error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
