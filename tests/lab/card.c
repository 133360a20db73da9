/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into QEMU: adds PCI devices with any ids and BARs, the shape of a card
 * that is not there. No emulated device has a GPU's three BARs. $GPUPT_CARDS has a
 * line a card:
 *   TYPE VENDOR DEVICE CLASS [BAR/BYTES/FLAGS]...
 * in hexadecimal; FLAGS are the BAR's low bits (1 I/O, 4 64-bit, 8 prefetchable). The
 * BARs cost no memory and nothing answers behind them.
 *
 * QEMU exports its functions to its own modules; those used here are the same from
 * 5.2 to 10.2 (include/qom/object.h, hw/qdev-core.h, hw/pci/pci.h, exec/memory.h).
 * Each card is an `edu` (hw/misc/edu.c, a device with BAR 0 alone) whose BARs are
 * registered anew, and whose ids are written over in the class. */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARDS_MAX 64
#define BARS_MAX 6
#define CLASS_SEARCH 1024       /* PCIDeviceClass begins with a DeviceClass */
#define REGION_BYTES 4096       /* a MemoryRegion, generously */
#define EDU_IDS "\x34\x12\xe8\x11\x10" /* vendor, device, revision */

/* QEMU's struct TypeInfo */
struct type_info {
	const char *name, *parent;
	size_t instance_size, instance_align;
	void (*instance_init)(void *object);
	void (*instance_post_init)(void *object);
	void (*instance_finalize)(void *object);
	bool is_abstract;
	size_t class_size;
	void (*class_init)(void *class, void *data);
	void (*class_base_init)(void *class, void *data);
	void *class_data;
	const void *interfaces;
};

typedef void realize_function(void *device, void **error);

extern void *type_register(const struct type_info *info);
extern const char *object_get_typename(const void *object);
extern void device_class_set_parent_realize(void *class, realize_function *realize,
					    realize_function **parent);
extern void memory_region_init(void *region, void *owner, const char *name, uint64_t size);
extern void pci_register_bar(void *device, int index, uint8_t flags, void *region);

static struct card {
	char type[64];
	unsigned int vendor, device, class_code;
	struct {
		bool present;
		uint64_t bytes;
		unsigned int flags;
	} bars[BARS_MAX];
} cards[CARDS_MAX];
static size_t n_cards;
static realize_function *parent_realize;

static void realize(void *device, void **error)
{
	const char *type = object_get_typename(device);
	parent_realize(device, error);
	for (size_t i = 0; i < n_cards; i++) {
		for (int bar = 0; bar < BARS_MAX && strcmp(type, cards[i].type) == 0; bar++) {
			void *region = calloc(1, REGION_BYTES);
			if (!cards[i].bars[bar].present || !region) {
				free(region);
				continue;
			}
			memory_region_init(region, device, "gpupt-bar", cards[i].bars[bar].bytes);
			pci_register_bar(device, bar, (uint8_t)cards[i].bars[bar].flags, region);
		}
	}
}

/* The ids in PCIDeviceClass: uint16_t vendor_id, device_id; uint8_t revision;
 * uint16_t class_id. Where they lie differs between versions. */
static void class_init(void *class, void *data)
{
	const struct card *card = data;
	unsigned char *ids = memmem(class, CLASS_SEARCH, EDU_IDS, sizeof(EDU_IDS) - 1);
	if (!ids) {
		fprintf(stderr, "gpupt-card: this QEMU's PCI classes look different\n");
		exit(1);
	}
	memcpy(ids, &(uint16_t){ (uint16_t)card->vendor }, 2);
	memcpy(ids + 2, &(uint16_t){ (uint16_t)card->device }, 2);
	memcpy(ids + 6, &(uint16_t){ (uint16_t)card->class_code }, 2);
	device_class_set_parent_realize(class, realize, &parent_realize);
}

static bool read_card(char *line, struct card *card)
{
	int used = 0;
	if (sscanf(line, "%63s %x %x %x%n", card->type, &card->vendor, &card->device,
		   &card->class_code, &used) != 4)
		return false;
	unsigned int bar, flags;
	unsigned long long bytes;
	for (line += used; sscanf(line, " %x/%llx/%x%n", &bar, &bytes, &flags, &used) == 3;
	     line += used) {
		if (bar >= BARS_MAX)
			return false;
		card->bars[bar].present = true;
		card->bars[bar].bytes = bytes;
		card->bars[bar].flags = flags;
	}
	return true;
}

__attribute__((constructor)) static void register_cards(void)
{
	const char *text = getenv("GPUPT_CARDS");
	char *copy = text ? strdup(text) : NULL;
	unsetenv("LD_PRELOAD");
	if (!copy || !dlsym(RTLD_DEFAULT, "type_register")) /* no QEMU, but a shell */
		return;
	for (char *line = strtok(copy, "\n"); line && n_cards < CARDS_MAX;
	     line = strtok(NULL, "\n")) {
		struct card *card = &cards[n_cards];
		if (!read_card(line, card)) {
			fprintf(stderr, "gpupt-card: cannot read \"%s\"\n", line);
			exit(1);
		}
		n_cards++;
		type_register(&(struct type_info){ .name = card->type, .parent = "edu",
						   .class_init = class_init, .class_data = card });
	}
	free(copy);
}
