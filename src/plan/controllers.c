/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The domain's controllers but PCI as libvirt has them once it has read the domain: in
 * which order, with which index, and those that it adds for disks, channels and the like
 * (src/conf/domain_conf.c, src/conf/domain_postparse.c, src/qemu/qemu_domain.c, 9.0). */

#include "plan/tree.h"

/* What can be on PCI; a smartcard's and a floppy's controller never is. */
enum kind { USB, SATA, SCSI, IDE, SERIAL, KINDS };

/* More controllers than that have no place on any guest's buses. */
enum { ADDED_MAX = 256 };

static const struct gpupt_device implicit[KINDS] = {
	[USB] = { .tag = "controller", .type = "usb", .model = "piix3-uhci" },
	[SATA] = { .tag = "controller", .type = "sata" },
	[SCSI] = { .tag = "controller", .type = "scsi", .model = "lsilogic" },
	[IDE] = { .tag = "controller", .type = "ide" },
	[SERIAL] = { .tag = "controller", .type = "virtio-serial" },
};
static const struct gpupt_device xhci = { .tag = "controller", .type = "usb",
					  .model = "qemu-xhci" };

struct entry {
	struct gpupt_listed listed;
	enum kind kind;
	bool has_index;
	size_t kind_turn; /* when the first of its kind came */
	size_t after;     /* its index, or without one the highest of its kind so far, plus 1 */
	size_t position;
};

struct list {
	struct entry *entries;
	size_t count, capacity;
};

static enum kind kind_of(const struct gpupt_device *device)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (gpupt_is(device->type, implicit[kind].type))
			return (enum kind)kind;
	return KINDS;
}

static int add(struct list *list, const struct gpupt_device *device, enum kind kind,
	       unsigned int index)
{
	if (!GPUPT_GROW(list->entries, list->count, list->capacity))
		return GPUPT_E_NOMEM;
	list->entries[list->count++] = (struct entry){
		.listed = { device, index }, .kind = kind, .has_index = true,
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->kind_turn != y->kind_turn)
		return x->kind_turn < y->kind_turn ? -1 : 1;
	if (x->after != y->after)
		return x->after < y->after ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

/* Kind by kind, and as for PCI controllers (places.c place_bridges())
 * (virDomainControllerInsertPreAlloced(), src/conf/domain_conf.c, 9.0). */
static int add_domains(struct list *list, const struct gpupt_domain *domain)
{
	size_t highest[KINDS] = { 0 }, turn[KINDS] = { 0 };
	for (size_t i = 0; i < domain->n_others; i++) {
		const struct gpupt_device *device = &domain->others[i];
		enum kind kind = kind_of(device);
		if (strcmp(device->tag, "controller") != 0 || kind == KINDS)
			continue;
		if (add(list, device, kind, device->index) < 0)
			return GPUPT_E_NOMEM;
		struct entry *entry = &list->entries[list->count - 1];
		turn[kind] = turn[kind] ? turn[kind] : list->count;
		if (device->has_index && device->index + (size_t)1 > highest[kind])
			highest[kind] = device->index + (size_t)1;
		entry->has_index = device->has_index;
		entry->kind_turn = turn[kind];
		entry->after = device->has_index ? device->index + (size_t)1 : highest[kind];
		entry->position = list->count;
	}
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries), compare);
	return 0;
}

/* ---- indexes */

static bool is_usb2(const struct entry *entry)
{
	const char *model = entry->listed.device->model;
	return entry->kind == USB && model && strncmp(model, "ich9-", 5) == 0;
}

/* Whether a controller of that model has the index of entry `i` already; those of one
 * index lie next to each other, but for ones that have none yet. */
static bool has_model(const struct list *list, size_t i, const char *model)
{
	const struct entry *entries = list->entries;
	unsigned int index = entries[i].listed.index;
	for (size_t j = i; j < list->count && entries[j].kind == USB &&
	     (!entries[j].has_index || entries[j].listed.index == index); j++)
		if (entries[j].has_index && gpupt_is(entries[j].listed.device->model, model))
			return true;
	for (size_t j = i; j-- > 0 && entries[j].kind == USB && entries[j].listed.index == index;)
		if (gpupt_is(entries[j].listed.device->model, model))
			return true;
	return false;
}

/* An index for those without: that of the USB 2 controller before it where it can be a
 * companion, or else the lowest free one (virDomainAssignControllerIndexes()). `taken`
 * has room for as many as there are. */
static void number_kind(struct list *list, enum kind kind, bool *taken)
{
	unsigned int next = 0;
	memset(taken, 0, list->count * sizeof(*taken));
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].kind == kind && list->entries[i].has_index &&
		    list->entries[i].listed.index < list->count)
			taken[list->entries[i].listed.index] = true;
	for (size_t i = 0; i < list->count; i++) {
		struct entry *entry = &list->entries[i];
		if (entry->kind != kind || entry->has_index)
			continue;
		if (i > 0 && is_usb2(entry) && is_usb2(&list->entries[i - 1]) &&
		    !has_model(list, i - 1, entry->listed.device->model)) {
			entry->listed.index = list->entries[i - 1].listed.index;
		} else {
			while (taken[next])
				next++;
			entry->listed.index = next;
			taken[next] = true;
		}
		entry->has_index = true;
	}
}

static int number(struct list *list)
{
	GPUPT_AUTOFREE bool *taken = calloc(list->count + 1, sizeof(*taken));
	if (!taken)
		return GPUPT_E_NOMEM;
	for (int kind = 0; kind < KINDS; kind++)
		number_kind(list, (enum kind)kind, taken);
	return 0;
}

/* ---- what libvirt adds */

static void find_taken(const struct list *list, enum kind kind, bool taken[ADDED_MAX])
{
	memset(taken, 0, ADDED_MAX * sizeof(*taken));
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].kind == kind && list->entries[i].has_index &&
		    list->entries[i].listed.index < ADDED_MAX)
			taken[list->entries[i].listed.index] = true;
}

/* All of a kind below `count` that are not there. */
static int add_up_to(struct list *list, const struct gpupt_device *device, enum kind kind,
		     size_t count)
{
	bool taken[ADDED_MAX];
	find_taken(list, kind, taken);
	for (unsigned int index = 0; index < count && index < ADDED_MAX; index++)
		if (!taken[index] && add(list, device, kind, index) < 0)
			return GPUPT_E_NOMEM;
	return 0;
}

static bool sits_on(const struct gpupt_device *device, enum kind kind)
{
	const char *bus = implicit[kind].type;
	return gpupt_is(device->tag, "disk") && bus && gpupt_is(device->bus, bus);
}

static int add_for_disks(struct list *list, const struct gpupt_domain *domain, enum kind kind)
{
	size_t count = 0;
	for (size_t i = 0; i < domain->n_others; i++)
		if (sits_on(&domain->others[i], kind) && domain->others[i].drive >= count)
			count = domain->others[i].drive + (size_t)1;
	return add_up_to(list, &implicit[kind], kind, count);
}

/* The model of a controller, for more of the same; libvirt's default where there is none. */
static const struct gpupt_device *scsi_like(const struct list *list, unsigned int index)
{
	static const struct gpupt_device models[] = {
		{ .tag = "controller", .type = "scsi", .model = "virtio-scsi" },
		{ .tag = "controller", .type = "scsi", .model = "virtio-transitional" },
		{ .tag = "controller", .type = "scsi", .model = "virtio-non-transitional" },
		{ .tag = "controller", .type = "scsi", .model = "lsisas1068" },
		{ .tag = "controller", .type = "scsi", .model = "lsisas1078" },
		{ .tag = "controller", .type = "scsi", .model = "vmpvscsi" },
	};
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];
		if (entry->kind != SCSI || !entry->has_index || entry->listed.index != index)
			continue;
		for (size_t j = 0; j < GPUPT_ARRAY_SIZE(models); j++)
			if (gpupt_is(entry->listed.device->model, models[j].model))
				return &models[j];
		break;
	}
	return &implicit[SCSI];
}

/* For SCSI devices of the host (virDomainDefMaybeAddHostdevSCSIcontroller()); libvirt does
 * so as it reads each, when controllers without an index have none yet. */
static int add_for_hostdevs(struct list *list, const struct gpupt_domain *domain)
{
	size_t count = 0;
	for (size_t i = 0; i < domain->n_others; i++) {
		const struct gpupt_device *device = &domain->others[i];
		if (!gpupt_is(device->tag, "hostdev") || !gpupt_is(device->type, "scsi") ||
		    device->drive < count || device->drive >= ADDED_MAX)
			continue;
		count = device->drive + (size_t)1;
		if (add_up_to(list, scsi_like(list, device->drive), SCSI, count) < 0)
			return GPUPT_E_NOMEM;
	}
	return 0;
}

/* For the ports of virtio-serial: just those that are named. */
static int add_for_ports(struct list *list, const struct gpupt_domain *domain)
{
	bool taken[ADDED_MAX];
	find_taken(list, SERIAL, taken);
	for (size_t i = 0; i < domain->n_others; i++) {
		const struct gpupt_device *device = &domain->others[i];
		if ((!gpupt_is(device->tag, "channel") && !gpupt_is(device->tag, "console")) ||
		    !gpupt_is(device->bus, "virtio") || device->drive >= ADDED_MAX ||
		    taken[device->drive])
			continue;
		taken[device->drive] = true;
		if (add(list, &implicit[SERIAL], SERIAL, device->drive) < 0)
			return GPUPT_E_NOMEM;
	}
	return 0;
}

int gpupt_list_controllers(const struct gpupt_domain *domain, bool q35,
			   struct gpupt_listed **ret, size_t *ret_count)
{
	struct list list = { 0 };
	int r = add_domains(&list, domain);
	if (r == 0)
		r = add_for_hostdevs(&list, domain);
	if (r == 0)
		r = number(&list);
	if (r == 0)
		r = add_up_to(&list, q35 ? &xhci : &implicit[USB], USB, 1);
	if (r == 0 && q35)
		r = add_up_to(&list, &implicit[SATA], SATA, 1);
	if (r == 0)
		r = add_for_disks(&list, domain, SCSI);
	if (r == 0)
		r = add_for_disks(&list, domain, SATA);
	if (r == 0)
		r = add_for_ports(&list, domain);
	struct gpupt_listed *listed = r == 0 ? calloc(list.count + 1, sizeof(*listed)) : NULL;
	for (size_t i = 0; i < list.count && listed; i++)
		listed[i] = list.entries[i].listed;
	free(list.entries);
	if (!listed)
		return GPUPT_E_NOMEM;
	*ret = listed;
	*ret_count = list.count;
	return 0;
}
