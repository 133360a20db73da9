/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/names.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef GPUPT_WITH_LIBPCI

#include <dlfcn.h>
#include <pci/pci.h>

struct cli_names {
	void *library;
	struct pci_access *access;
	__typeof__(pci_lookup_name) *lookup;
	__typeof__(pci_cleanup) *cleanup;
};

/* libpci's own handlers print, and the one for errors exits. */
static void print_nothing(char *format, ...)
{
	(void)format;
}

struct cli_names *cli_names_open(void)
{
	void *library = dlopen("libpci.so.3", RTLD_NOW | RTLD_LOCAL);
	struct cli_names *names = library ? calloc(1, sizeof(*names)) : NULL;
	if (!names)
		goto fail;
	__typeof__(pci_alloc) *allocate = (__typeof__(allocate))dlsym(library, "pci_alloc");
	names->library = library;
	names->lookup = (__typeof__(names->lookup))dlsym(library, "pci_lookup_name");
	names->cleanup = (__typeof__(names->cleanup))dlsym(library, "pci_cleanup");
	if (!allocate || !names->lookup || !names->cleanup)
		goto fail;
	names->access = allocate();
	if (!names->access)
		goto fail;
	names->access->debug = print_nothing;
	names->access->warning = print_nothing;
	return names;
fail:
	free(names);
	if (library)
		dlclose(library);
	return NULL;
}

void cli_names_close(struct cli_names *names)
{
	if (!names)
		return;
	names->cleanup(names->access);
	dlclose(names->library);
	free(names);
}

const char *cli_names_device(struct cli_names *names, const struct gpupt_pci_function *function,
			     char *buffer, size_t size)
{
	const char *name = NULL;
	if (names)
		name = names->lookup(names->access, buffer, (int)size,
				     PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS,
				     function->vendor, function->device);
	if (!name)
		snprintf(buffer, size, "%s", function->known_as ? function->known_as : "");
	return name ? name : buffer;
}

const char *cli_names_class(struct cli_names *names, const struct gpupt_pci_function *function,
			    char *buffer, size_t size)
{
	const char *name = NULL;
	if (names)
		name = names->lookup(names->access, buffer, (int)size,
				     PCI_LOOKUP_CLASS | PCI_LOOKUP_NO_NUMBERS,
				     function->class_code >> 8);
	return name ? name : "";
}

#else

struct cli_names *cli_names_open(void)
{
	return NULL;
}

void cli_names_close(struct cli_names *names)
{
	(void)names;
}

const char *cli_names_device(struct cli_names *names, const struct gpupt_pci_function *function,
			     char *buffer, size_t size)
{
	(void)names;
	snprintf(buffer, size, "%s", function->known_as ? function->known_as : "");
	return buffer;
}

const char *cli_names_class(struct cli_names *names, const struct gpupt_pci_function *function,
			    char *buffer, size_t size)
{
	(void)names;
	(void)function;
	(void)buffer;
	(void)size;
	return "";
}

#endif
