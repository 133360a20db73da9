/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/firmware.h"

#include <fnmatch.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"

static const char *const descriptions[] = { "/etc/qemu/firmware/*.json",
					    "/usr/share/qemu/firmware/*.json" };

static bool has_word(const json_t *array, const char *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item) {
		const char *text = json_string_value(item);
		if (text && strcmp(text, word) == 0)
			return true;
	}
	return false;
}

static bool is_for_machine(const json_t *machines, const struct gpupt_planned *planned)
{
	bool q35 = planned->worlds[0].guest.machine == GPUPT_MACHINE_Q35;
	size_t i;
	json_t *item;
	json_array_foreach(machines, i, item) {
		const char *pattern = json_string_value(item);
		if (!pattern)
			continue;
		if (planned->machine && fnmatch(pattern, planned->machine, 0) == 0)
			return true;
		/* "q35" and "pc" are names for the newest of them */
		if (strstr(pattern, q35 ? "q35" : "i440fx"))
			return true;
	}
	return false;
}

static bool is_suitable(const json_t *description, const struct gpupt_planned *planned)
{
	const char *device = json_string_value(
		json_object_get(json_object_get(description, "mapping"), "device"));
	if (!has_word(json_object_get(description, "interface-types"), "uefi") || !device ||
	    strcmp(device, "flash") != 0)
		return false;
	size_t i;
	json_t *target;
	json_array_foreach(json_object_get(description, "targets"), i, target) {
		const char *arch = json_string_value(json_object_get(target, "architecture"));
		if (arch && strcmp(arch, "x86_64") == 0 &&
		    is_for_machine(json_object_get(target, "machines"), planned))
			return true;
	}
	return false;
}

/* The file of a suitable description that is here; NULL otherwise. */
static char *code_of(const char *path, const struct gpupt_planned *planned, bool *ret_smm)
{
	json_t *description = json_load_file(path, 0, NULL);
	const json_t *mapping = json_object_get(description, "mapping");
	const char *name = json_string_value(
		json_object_get(json_object_get(mapping, "executable"), "filename"));
	char *code = NULL;
	if (name && is_suitable(description, planned) && access(name, R_OK) == 0)
		code = strdup(name);
	*ret_smm = has_word(json_object_get(description, "features"), "requires-smm");
	json_decref(description);
	return code;
}

static char *find_code(const struct gpupt_planned *planned)
{
	char *found = NULL;
	bool best = false;
	for (size_t d = 0; d < GPUPT_ARRAY_SIZE(descriptions) && !best; d++) {
		glob_t files;
		if (glob(descriptions[d], 0, NULL, &files) != 0)
			continue;
		for (size_t i = 0; i < files.gl_pathc && !best; i++) {
			bool smm;
			char *code = code_of(files.gl_pathv[i], planned, &smm);
			best = code && !smm;
			if (code && (best || !found)) {
				free(found);
				found = code;
			} else {
				free(code);
			}
		}
		globfree(&files);
	}
	return found;
}

/* Takes a part of a file's name out, or puts another there. */
static void replace(char *path, size_t size, const char *part, const char *by)
{
	char *name = strrchr(path, '/');
	char *at = strstr(name ? name : path, part);
	size_t old_length = strlen(part), new_length = strlen(by);
	if (!at || strlen(path) - old_length + new_length >= size)
		return;
	memmove(at + new_length, at + old_length, strlen(at + old_length) + 1);
	memcpy(at, by, new_length);
}

/* The empty store beside the code: OVMF_CODE_4M.ms.fd has OVMF_VARS_4M.fd, edk2's
 * ovmf-x86_64-ms-code.bin has ovmf-x86_64-vars.bin. One with Secure Boot's keys would
 * not do, for the payload is not signed. */
static char *find_variables(const struct gpupt_planned *planned, const char *code)
{
	static const char *const parts[][2] = {
		{ "CODE", "VARS" }, { "-code", "-vars" }, { ".secboot", "" }, { ".ms", "" },
		{ ".snakeoil", "" }, { "-ms-", "-" }, { "-smm-", "-" }, { "-secure-", "-" },
	};
	char path[4096];
	int length = snprintf(path, sizeof(path), "%s", code);
	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(parts); i++)
		replace(path, sizeof(path), parts[i][0], parts[i][1]);
	if (strcmp(path, code) != 0 && access(path, R_OK) == 0)
		return strdup(path);
	return planned->nvram_template ? strdup(planned->nvram_template) : NULL;
}

int gpupt_firmware_find(const struct gpupt_planned *planned, struct gpupt_firmware_files *ret,
			struct gpupt_error **error)
{
	struct gpupt_firmware_files files = { 0 };
	bool ovmf = planned->worlds[0].guest.firmware == GPUPT_FIRMWARE_OVMF;
	files.is_rom = !ovmf || (planned->loader_type && strcmp(planned->loader_type, "rom") == 0);
	if (planned->loader) {
		files.code = strdup(planned->loader);
		if (!files.code)
			return gpupt_fail_nomem(error);
	} else if (ovmf) {
		files.code = find_code(planned);
		if (!files.code)
			return gpupt_fail(error, GPUPT_E_NOT_FOUND,
					  "the domain leaves the choice of its firmware to "
					  "libvirt, and no description in "
					  "/usr/share/qemu/firmware offers one for it");
	}
	if (files.code && access(files.code, R_OK) < 0) {
		gpupt_fail(error, GPUPT_E_NOT_FOUND, "the domain's firmware %s: %m",
			   files.code);
		gpupt_firmware_clear(&files);
		return GPUPT_E_NOT_FOUND;
	}
	if (ovmf && !files.is_rom)
		files.variables = find_variables(planned, files.code);
	*ret = files;
	return 0;
}

void gpupt_firmware_clear(struct gpupt_firmware_files *files)
{
	free(files->code);
	free(files->variables);
	*files = (struct gpupt_firmware_files){ 0 };
}
