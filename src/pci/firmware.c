/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host's firmware files say of themselves, as facts about the host. */

#include "firmware/firmware.h"
#include "pci/inventory.h"

/* Where packages put what guests start with. The variants of one directory (secure
 * boot, other sizes) come from one build: the first that is there stands for all. */
static const struct {
	const char *file;
	enum gpupt_firmware_kind kind;
} installed[] = {
#define OVMF(file) { "/usr/share/" file, GPUPT_FIRMWARE_OVMF }
#define SEABIOS(file) { "/usr/share/" file, GPUPT_FIRMWARE_SEABIOS }
	OVMF("OVMF/OVMF_CODE_4M.fd"),           /* Debian, Ubuntu */
	OVMF("OVMF/OVMF_CODE.fd"),              /* Debian 11, Ubuntu 22.04 */
	OVMF("edk2/ovmf/OVMF_CODE.fd"),         /* Fedora, RHEL */
	OVMF("edk2/ovmf/OVMF_CODE.secboot.fd"), /* RHEL 9 */
	OVMF("edk2/x64/OVMF_CODE.4m.fd"),       /* Arch */
	OVMF("qemu/ovmf-x86_64-code.bin"),      /* openSUSE */
	OVMF("qemu/edk2-x86_64-code.fd"),       /* as QEMU installs it */
	SEABIOS("qemu/bios-256k.bin"),
	SEABIOS("seabios/bios-256k.bin"),       /* Debian, Ubuntu, Fedora, RHEL */
#undef OVMF
#undef SEABIOS
};

/* Which kinds of firmware were found. */
struct seen {
	bool ovmf, seabios;
};

static int read_file(struct gpupt_inventory *inventory, const char *file, struct seen *seen,
		     struct gpupt_error **error)
{
	struct gpupt_firmware firmware;
	int r = gpupt_firmware_identify(file, &firmware, NULL);
	if (r == GPUPT_E_NOMEM)
		return gpupt_fail_nomem(error);
	if (r < 0)
		return 0;
	seen->ovmf |= firmware.kind == GPUPT_FIRMWARE_OVMF;
	seen->seabios |= firmware.kind == GPUPT_FIRMWARE_SEABIOS;
	const struct gpupt_host_firmware fact = { file, firmware.name, firmware.version };
	return firmware.release ? gpupt_inventory_add_firmware(inventory, &fact, error) : 0;
}

/* One file of each kind in a directory. */
static int read_installed(struct gpupt_inventory *inventory, struct gpupt_error **error)
{
	struct seen seen = { 0 };
	size_t directory = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < GPUPT_ARRAY_SIZE(installed); i++) {
		const char *file = installed[i].file;
		if (!i || strncmp(file, installed[i - 1].file, directory) != 0)
			seen = (struct seen){ 0 };
		directory = (size_t)(gpupt_basename(file) - file);
		if (installed[i].kind == GPUPT_FIRMWARE_OVMF ? !seen.ovmf : !seen.seabios)
			r = read_file(inventory, file, &seen, error);
	}
	return r;
}

GPUPT_EXPORT int gpupt_inventory_read_firmware(const struct gpupt_inventory *base,
					       const char *file, struct gpupt_inventory **ret,
					       struct gpupt_error **error)
{
	struct seen seen = { 0 };
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	int r = gpupt_inventory_copy(made, base, NULL, error);
	if (r == 0)
		r = file ? read_file(made, file, &seen, error) : read_installed(made, error);
	if (r == 0)
		r = gpupt_inventory_seal(made, GPUPT_DUPLICATES_REFUSE, "the host", error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
