/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_MAKING_H
#define GPUPT_PLAN_MAKING_H

/* A plan in the making, as it passes from file to file:
 *
 *   devices.c  which devices the guest will have   (wish + domain + inventory)
 *   slots.c    one guest slot for the functions of a card (--multifunction)
 *   guest.c    the guest as the model sees it      (machine, memory, CPU)
 *   commandline.c what <qemu:commandline> adds to that
 *   firmware.c which firmware it has, as far as somebody says so
 *   possible.c what it may run on: firmware, QEMU, guest kernel
 *   topology.c which function sits behind which bridge; places.c where libvirt puts
 *              what has no address
 *   remedies.c tries what may be done beside the hole; attempt.c makes one such attempt,
 *              from guest.c on; ports.c has the root ports that are made or changed
 *   hole.c     how large the hole has to be        (model)
 *   decide.c   what it becomes                     (policy)
 *   layout.c   what the guest then looks like, and what is wrong with that
 *   map.c      the same as ranges of the guest's address space
 *   planned.c  the guest as a whole, kept for whoever wants to build one like it
 *   steps.c    what the plan does, in words
 *   lint.c     what in the text does nothing, or harm; lint-addresses.c what there is twice
 *              in it, lint-guest.c what only the guest as it comes out of all this tells
 *   edit.c     what to change in the text; edit-cures.c for remedies beside the hole
 */

#include "domain/splice.h"
#include "mmio/mmio.h"
#include "plan/finding.h"
#include "plan/planned.h"
#include "plan/request.h"

/* A PCI device the guest will have. */
struct gpupt_wanted {
	struct gpupt_pci_address host;
	const struct gpupt_hostdev *existing;      /* NULL: the plan adds it */
	const struct gpupt_pci_function *function; /* NULL: not in the inventory */
	struct gpupt_guest_address guest;          /* where it sits, if said */
	bool writes_guest_address; /* the plan says where: --multifunction, a remedy */
	bool movable;              /* on the root bus or behind an expander, by its address */
	bool separable;            /* in a slot with others, one of which is trapped */
};

/* A root port that the plan makes or changes. */
struct gpupt_port {
	unsigned int index; /* of the controller, and number of the bus behind it */
	size_t controller;  /* which of the domain's it is; GPUPT_NEW_PORT: none of them */
	bool hotplug_off;
	uint64_t mem_reserve_kib; /* 0: none */
};

#define GPUPT_NEW_PORT SIZE_MAX

/* Where a hostdev of the domain's comes to sit. */
struct gpupt_new_address {
	size_t hostdev; /* which of the domain's it is */
	struct gpupt_pci_address source;
	struct gpupt_guest_address guest;
};

/* What remedies beside the hole and root ports make of the guest; 0: nothing. */
struct gpupt_cure {
	unsigned int phys_bits; /* <maxphysaddr> */
	uint64_t window_mib;    /* X-PciMmio64Mb */
	bool realloc;           /* pci=realloc */
};

/* One possibility of what the guest runs on. */
struct gpupt_world {
	const char *name_parts[4]; /* what gpupt_world_name() makes of them */
	bool booted; /* predictions for it were compared with boots */
	struct gpupt_mmio_guest guest;
	uint64_t minimum; /* smallest hole with which every 64-bit BAR is placed */
	uint64_t needed;  /* the same with headroom */
	bool works;       /* there is one */
	bool needs_bits;  /* there would be one with a wider address */
	enum gpupt_verdict verdict;
	uint64_t traits; /* what the model sees of it */
	size_t model; /* the first world that the model places as this one: it stands for all */
	size_t weight; /* of how many */
};

/* What a function of the model stands for. */
struct gpupt_guest_device {
	const char *label;
	const struct gpupt_wanted *wanted; /* NULL: one of the guest's own */
	const struct gpupt_element *element; /* in the domain, or NULL */
	const char *path; /* where it sits, "01.2/00.0"; NULL until asked for */
	const struct gpupt_controller *controller; /* a bridge of the domain's */
	unsigned int bus; /* a bridge's own */
	bool trapped; /* a BAR stays without an address for its bridge's window, somewhere */
};

struct gpupt_plan {
	struct gpupt_arena *arena;
	int status;
	enum gpupt_verdict verdict;
	struct gpupt_hole_numbers hole;
	bool writes_hole;
	struct gpupt_findings findings;
	struct gpupt_layout_bar *layout; /* in the possibility shown */
	size_t n_layout;
	struct gpupt_possibility *possibilities;
	size_t n_possibilities;
	size_t shown; /* which of them the layout is of */
	struct gpupt_map_region *map;
	size_t n_map, c_map;
	struct gpupt_planned *planned; /* NULL where there is no layout */
	struct gpupt_edit *edits;
	size_t n_edits, c_edits;
	size_t n_controllers_added;
	struct gpupt_step *steps;
	size_t n_steps, c_steps;
	struct gpupt_port *ports;
	size_t n_ports;
	struct gpupt_new_address *addresses; /* in the hostdevs' order */
	size_t n_addresses, c_addresses;
	struct gpupt_cure cure;
	const char *cmdline; /* what becomes of <cmdline>; NULL: it stays */
	struct gpupt_pci_address *added; /* hostdevs the edits add; ordered, as removed is */
	size_t n_added;
	size_t c_added;
	struct gpupt_pci_address *removed;
	size_t n_removed, c_removed;
};

/* What is kept behind a port for things that are plugged in. */
struct gpupt_reserve {
	bool present;
	uint64_t bytes;
};

struct gpupt_making {
	const struct gpupt_domain *domain;
	const struct gpupt_inventory *inventory; /* may be NULL */
	const struct gpupt_request *request;
	struct gpupt_plan *plan;
	struct gpupt_error **error;
	enum gpupt_machine machine;

	struct gpupt_wanted *wanted; /* existing ones first, then added ones */
	size_t n_wanted, c_wanted;
	size_t *by_address; /* the first n_indexed of wanted, ordered by host address */
	size_t n_indexed;
	const struct gpupt_hostdev **removed;
	size_t n_removed, c_removed;
	bool *is_removed; /* of the domain's hostdevs */
	bool device_unknown; /* a wanted device's BARs are not known */
	struct gpupt_port *ports; /* to make or change */
	size_t n_ports, c_ports;
	struct gpupt_cure cure;

	struct gpupt_mmio_guest guest;
	enum gpupt_tristate pages_1g; /* its CPU's, as far as the domain says */
	const struct gpupt_element *window_place; /* of opt/ovmf/X-PciMmio64Mb; or NULL */
	bool vendor_unknown;
	const char *release;  /* "edk2-stable202502" where it is known, or NULL */
	bool release_of_file; /* it is that of a build, which may have been patched */
	bool has_commandline_hole; /* <qemu:commandline> sets it, which counts */
	uint64_t commandline_hole;
	struct gpupt_reserve port_memory, port_pref64; /* it gives every root port */
	struct gpupt_world *worlds;
	size_t n_worlds, c_worlds;
	uint64_t needed;    /* what the hole needs in all of them; 0: any will do */
	uint64_t startable; /* largest with which every possible QEMU starts */
	struct gpupt_mmio_function *functions;
	struct gpupt_mmio_session session; /* of them */
	struct gpupt_guest_device *devices; /* devices[i] is what functions[i] is */
	size_t n_functions;
	size_t failures; /* BARs without an address, over all worlds */
};

/* Each returns 0 or a negative status with *making->error set. */
int gpupt_make_devices(struct gpupt_making *making);
int gpupt_make_slots(struct gpupt_making *making);
int gpupt_make_remedies(struct gpupt_making *making); /* all of the following, again and again */
int gpupt_make_guest(struct gpupt_making *making);
void gpupt_make_commandline(struct gpupt_making *making); /* part of it */
int gpupt_make_worlds(struct gpupt_making *making);
int gpupt_make_topology(struct gpupt_making *making);
/* Makes of a function what the plan makes of the port that it is. */
void gpupt_change_port(const struct gpupt_port *port, struct gpupt_mmio_function *function);
int gpupt_make_hole(struct gpupt_making *making);
int gpupt_make_layout(struct gpupt_making *making);
int gpupt_make_map(struct gpupt_making *making);
int gpupt_make_steps(struct gpupt_making *making);
void gpupt_lint(struct gpupt_making *making);
void gpupt_lint_addresses(struct gpupt_making *making);
int gpupt_lint_guest(struct gpupt_making *making);
int gpupt_make_planned(struct gpupt_making *making);
int gpupt_make_edits(struct gpupt_making *making);
int gpupt_edit_cures(struct gpupt_making *making); /* part of it */

/* Takes in an edit. */
int gpupt_keep_edit(struct gpupt_making *making, struct gpupt_edit edit);
/* "<address type='pci' .../>" in libvirt's spelling. */
const char *gpupt_address_text(struct gpupt_making *making,
			       const struct gpupt_guest_address *address);

/* Bus numbers in a domain are controller indexes; a controller without one gets the lowest
 * that is free (virDomainControllerFindUnusedIndex, src/conf/domain_conf.c, 9.0). Asked
 * for all controllers in their order; GPUPT_BUSES or more is no number of a bus. */
enum { GPUPT_BUSES = 256 };
struct gpupt_bus_numbers {
	bool taken[GPUPT_BUSES];
	unsigned int next;
};
void gpupt_bus_numbers_begin(struct gpupt_bus_numbers *numbers, const struct gpupt_domain *domain);
unsigned int gpupt_bus_numbers_next(struct gpupt_bus_numbers *numbers,
				    const struct gpupt_controller *controller);

/* A new root port that makes the given bus, or, with 0, the next one that is free; NULL:
 * there is none, or memory is short. The pointer holds until the next one is made. */
struct gpupt_port *gpupt_port_new(struct gpupt_making *making, unsigned int index);
/* The entry for a port of the domain's, made where there is none; NULL when memory is
 * short. */
struct gpupt_port *gpupt_port_of(struct gpupt_making *making,
				 const struct gpupt_controller *controller);
/* The port that makes a bus, if the plan makes or changes it; else NULL. */
struct gpupt_port *gpupt_port_at(const struct gpupt_making *making, unsigned int bus);
/* Whether the request allows a remedy and the libvirt that will read it knows it. */
bool gpupt_may_use(const struct gpupt_making *making, enum gpupt_remedy remedy);

/* Texts that live as long as the plan; never NULL. */
const char *gpupt_making_size(struct gpupt_making *making, uint64_t bytes);
const char *gpupt_making_address(struct gpupt_making *making, struct gpupt_pci_address address);
const char *gpupt_making_text(struct gpupt_making *making, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The device with that host address that the guest will have; NULL: none. */
struct gpupt_wanted *gpupt_making_find_wanted(struct gpupt_making *making,
					      struct gpupt_pci_address address);
/* The domain's hole is many times what is needed, and most of the address space. */
bool gpupt_hole_wastes_bits(const struct gpupt_making *making);

/* A text out of the plan's arena; one that could not be had leaves a mark, so that no
 * plan comes out. */
const char *gpupt_making_had(struct gpupt_making *making, const char *text);
/* "Debian 12, Linux up to 6.12, AMD host". */
const char *gpupt_world_name(struct gpupt_making *making, const struct gpupt_world *world);

/* Adds a finding about an element of the domain (or NULL). */
void gpupt_making_report(struct gpupt_making *making, enum gpupt_finding_number number,
			 const struct gpupt_element *element, const char *subject,
			 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Runs the model in one world with a given hole; fills the results in
 * making->functions. */
int gpupt_making_place(struct gpupt_making *making, const struct gpupt_world *world,
		       uint64_t hole_bytes, struct gpupt_mmio_result *ret);
/* Memory BARs that the firmware and Linux put into 64-bit windows. */
static inline bool gpupt_is_pref64_bar(const struct gpupt_mmio_bar *bar)
{
	return bar->mem64 && bar->prefetchable && !bar->io;
}
/* Begins the map with what functions[] and the layout say. */
int gpupt_map_functions(struct gpupt_making *making);
/* QEMU's own size of the hole. */
uint64_t gpupt_default_hole(const struct gpupt_making *making);
/* Whether a hole of that size places all, wherever some size does. */
int gpupt_hole_holds(struct gpupt_making *making, uint64_t bytes, bool *ret);
/* beyond: the hole that is needed, if none that QEMU starts with is enough, or 0;
 * known: the BARs are. */
int gpupt_decide_hole(struct gpupt_making *making, uint64_t beyond, bool known);
/* The domain's <pcihole64>, or NULL. */
const struct gpupt_element *gpupt_making_hole_element(const struct gpupt_making *making);
/* The hole the guest has in the end. */
uint64_t gpupt_making_effective_hole(const struct gpupt_making *making);
/* Whether the guest has both in one slot, as functions of one device. */
static inline bool gpupt_share_slot(const struct gpupt_wanted *a, const struct gpupt_wanted *b)
{
	return a->guest.present && b->guest.present && a->guest.pci.bus == b->guest.pci.bus &&
	       a->guest.pci.slot == b->guest.pci.slot;
}
/* What the layout has an entry for: neither I/O ports nor ROMs. */
static inline bool gpupt_is_shown_bar(const struct gpupt_mmio_bar *bar)
{
	return !bar->io && bar->index < GPUPT_BAR_ROM;
}
/* "QEMU starts with at most ..." */
const char *gpupt_making_limit(struct gpupt_making *making);

/* Frees what the steps allocated; the plan stays. */
void gpupt_making_clear(struct gpupt_making *making);

/* Fills in release and release_of_file, and says what does not agree with a file. */
void gpupt_settle_firmware(struct gpupt_making *making);
/* Whether the domain's text asks for OVMF: for SeaBIOS if not. */
bool gpupt_asks_ovmf(const struct gpupt_domain *domain);
/* Whether a name means OVMF or SeaBIOS; GPUPT_UNSET: it may be both, or is NULL. */
enum gpupt_tristate gpupt_means_ovmf(const char *name);
/* The release of OVMF or SeaBIOS that "debian-12" ships; 0 for what is no platform. */
unsigned int gpupt_release_of_platform(const char *id, bool ovmf);
/* The one that the host's distribution ships, if the guest gets that; 0: not known. */
unsigned int gpupt_release_of_host(const struct gpupt_making *making, bool ovmf);
/* 0, or GPUPT_E_SYNTAX for a firmware that does not exist. */
int gpupt_firmware_check(const char *text, struct gpupt_error **error);
/* "6.12" -> 612. */
int gpupt_kernel_parse(const char *text, unsigned int *ret, struct gpupt_error **error);

#endif
