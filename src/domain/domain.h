/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_DOMAIN_H
#define GPUPT_DOMAIN_DOMAIN_H

/* A parsed domain: facts with the bytes they stand in. Filled by parse.c in one
 * pass, read by plan/. Strings are owned by the domain and NULL when absent. */

#include <stdbool.h>
#include <stdint.h>

#include <gpupt/domain.h>
#include <gpupt/inventory.h>

#include "base/error.h"
#include "base/util.h"

/* Bytes [start, end) of the text. */
struct gpupt_span {
	size_t start;
	size_t end;
};

/* An element: from its '<' to behind its end tag. A self-closing element's
 * start tag is all of it. whole.end is 0 where there is no such element. */
struct gpupt_element {
	struct gpupt_span whole;
	struct gpupt_span start_tag;
	size_t end_tag; /* offset of "</", or of "/>" in a self-closing element */
	bool self_closing;
};

enum gpupt_tristate { GPUPT_UNSET, GPUPT_NO, GPUPT_YES };

/* <pcihole64>, as libvirt reads it: rounded up to KiB. */
struct gpupt_pcihole64 {
	struct gpupt_element element;
	const char *text; /* the element's text */
	const char *unit; /* NULL: KiB */
	bool empty;       /* no text: libvirt ignores it */
	bool valid;       /* the text is a size */
	uint64_t bytes;
};

enum gpupt_controller_model {
	GPUPT_CONTROLLER_NONE, /* no model attribute, or an unknown one */
	GPUPT_CONTROLLER_PCI_ROOT,
	GPUPT_CONTROLLER_PCIE_ROOT,
	GPUPT_CONTROLLER_PCI_BRIDGE,
	GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE,
	GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE,
	GPUPT_CONTROLLER_ROOT_PORT,
	GPUPT_CONTROLLER_SWITCH_UPSTREAM,
	GPUPT_CONTROLLER_SWITCH_DOWNSTREAM,
	GPUPT_CONTROLLER_EXPANDER,      /* pci-expander-bus */
	GPUPT_CONTROLLER_PCIE_EXPANDER, /* pcie-expander-bus */
};

/* A guest's own <address type='pci'>. */
struct gpupt_guest_address {
	bool present;
	struct gpupt_pci_address pci;
	enum gpupt_tristate multifunction;
};

/* <controller type='pci'>. */
struct gpupt_controller {
	struct gpupt_element element;
	enum gpupt_controller_model model;
	const char *model_text;
	bool has_index;
	unsigned int index;
	struct gpupt_guest_address address;
	struct gpupt_element target;     /* <target> */
	struct gpupt_element last_child; /* whichever it is */
	size_t n_holes;
	struct gpupt_pcihole64 hole; /* the first: libvirt takes that */
	enum gpupt_tristate hotplug;
	bool has_mem_reserve;
	uint64_t mem_reserve_kib;
	bool has_bus_number; /* expanders: <target busNr=> */
	unsigned int bus_number;
};

enum gpupt_hostdev_kind {
	GPUPT_HOSTDEV,           /* <hostdev mode='subsystem' type='pci'> */
	GPUPT_HOSTDEV_INTERFACE, /* <interface type='hostdev'> with a PCI source */
};

/* A passed-through PCI function. */
struct gpupt_hostdev {
	struct gpupt_element element;
	enum gpupt_hostdev_kind kind;
	bool has_source; /* false: no usable <source><address> */
	struct gpupt_pci_address source;
	struct gpupt_guest_address address;
	struct gpupt_element guest_address; /* <address> */
	struct gpupt_element last_child;    /* whichever it is */
	enum gpupt_tristate managed;
	enum gpupt_tristate rom_bar; /* <rom bar='off'/> or enabled='no' */
	const char *alias;           /* what QEMU calls it: always there while it runs */
};

/* Any other device that is a PCI function of the guest. */
struct gpupt_device {
	struct gpupt_element element;
	const char *tag;   /* element's name: "interface", "disk", ... */
	const char *type;  /* its type attribute */
	const char *model; /* model: attribute, or <model type= / name=> */
	const char *bus;   /* <target bus=> of a disk, bus= of an input, else <target type=> */
	struct gpupt_guest_address address;
	bool has_source;       /* of a disk of type nvme: the host's device */
	struct gpupt_pci_address source;
	bool other_address;    /* an address of another type: not on PCI itself */
	uint64_t vram64_bytes; /* video: vram64 */
	uint64_t vram_bytes;
	uint64_t ram_bytes;
	uint64_t vgamem_bytes;
	uint64_t size_bytes;   /* shmem: <size>; virtio memory: <target><size> */
	bool has_index;
	unsigned int index;    /* controllers */
	unsigned int number;   /* disks: by name, "sda" is 1 */
	unsigned int drive;    /* which controller a disk, a channel and the like sit on */
	enum gpupt_tristate rom_bar;
};

/* Something that libvirt drops without a word, or refuses. */
enum gpupt_stray_kind {
	GPUPT_STRAY_HOLE,    /* <pcihole64>, but outside of any PCI controller */
	GPUPT_STRAY_NAME,    /* a name that looks like it */
	GPUPT_STRAY_FW_CFG,  /* <entry> of <sysinfo type='fwcfg'> */
	GPUPT_STRAY_PREFIX,  /* <qemu:...>, and nobody says what qemu: is */
};

struct gpupt_stray {
	enum gpupt_stray_kind kind;
	struct gpupt_element element; /* the start tag only, but of an <entry> */
	const char *name;   /* as it is written; of an <entry>, its name attribute */
	const char *parent; /* the element it stands in */
};

/* Target of a processing instruction that stands for a device, or an element without
 * facts, which was left out of the text (plan/excerpt.c). */
#define GPUPT_LEFT_OUT "gpupt"

/* How many there are, by what they stand for. */
struct gpupt_left_out {
	size_t devices;
	size_t plain; /* children of <domain> */
	bool around;  /* all but <devices> */
};

/* What the domain text calls a machine, by libvirt's own rules. */
enum gpupt_machine {
	GPUPT_MACHINE_UNKNOWN,    /* not said */
	GPUPT_MACHINE_HAS_Q35,    /* q35, pc-q35-*: pcie-root */
	GPUPT_MACHINE_HAS_I440FX, /* pc, pc-i440fx-*, pc-1.0, rhel6..: pci-root */
	GPUPT_MACHINE_OTHER,      /* no pcihole64 */
};

enum gpupt_cpu_mode {
	GPUPT_CPU_DEFAULT, /* no <cpu> mode: the hypervisor's default */
	GPUPT_CPU_CUSTOM,
	GPUPT_CPU_HOST_MODEL,
	GPUPT_CPU_HOST_PASSTHROUGH,
	GPUPT_CPU_MAXIMUM,
};

enum gpupt_maxphysaddr { GPUPT_MAXPHYSADDR_NONE, GPUPT_MAXPHYSADDR_PASSTHROUGH,
			 GPUPT_MAXPHYSADDR_EMULATE };

struct gpupt_domain {
	const char *text;
	char *own_text; /* the same, or NULL where it is borrowed */
	size_t length;
	const char *name_of_text; /* for messages; may be NULL */
	struct gpupt_element root;

	const char *type; /* kvm, qemu, xen, ... */
	const char *name;
	const char *uuid;
	struct gpupt_element memory, os, cpu; /* <memory>, <os>, <cpu> */
	bool has_memory;
	uint64_t memory_kib;     /* <memory> */
	uint64_t cells_kib;      /* NUMA cells, summed; 0 when there are none */
	uint64_t max_memory_kib; /* <maxMemory>; 0 when there is none */
	unsigned int memory_slots;
	bool has_hugepages;      /* <memoryBacking><hugepages> */
	uint64_t hugepage_bytes; /* its first <page size=>; 0: the host's default */
	uint64_t hard_limit_kib; /* <memtune><hard_limit>; 0 when there is none */
	uint64_t sgx_epc_kib; /* <memory model='sgx-epc'>, summed */

	const char *os_type; /* hvm, xen, exe, ... */
	const char *arch;
	const char *machine;
	const char *os_firmware; /* <os firmware=>: efi, bios */
	const char *loader;
	const char *loader_type; /* rom, pflash */
	const char *nvram_template;
	const char *os_id; /* libosinfo's, in <metadata>: "http://microsoft.com/win/11" */
	const char *kernel;
	const char *cmdline;
	struct gpupt_element kernel_element, cmdline_element;

	enum gpupt_cpu_mode cpu_mode;
	const char *cpu_model;
	const char *cpu_vendor;
	enum gpupt_tristate cpu_pages_1g; /* <feature name='pdpe1gb'> */
	enum gpupt_maxphysaddr maxphysaddr;
	unsigned int maxphysaddr_bits;  /* 0: not given */
	unsigned int maxphysaddr_limit; /* 0: not given */
	struct gpupt_element maxphysaddr_element;
	struct gpupt_element last_cpu_child;

	const char *emulator; /* <devices><emulator> */
	struct gpupt_element devices;
	bool has_devices;
	struct gpupt_element last_child; /* of <domain> */
	size_t n_children;
	struct gpupt_element first_device, last_device; /* children of <devices> */
	/* Behind what a new element goes, in libvirt's own order: the last child of
	 * <devices> that libvirt would write before it. whole.end 0: none. */
	struct gpupt_element controller_anchor;
	struct gpupt_element hostdev_anchor;
	struct gpupt_controller *controllers; /* type='pci' only */
	size_t n_controllers, c_controllers;
	struct gpupt_hostdev *hostdevs;
	size_t n_hostdevs, c_hostdevs;
	struct gpupt_device *others;
	size_t n_others, c_others;
	struct gpupt_span *plain; /* children of <domain> without a fact that a plan is to keep */
	size_t n_plain, c_plain;
	struct gpupt_left_out left_out; /* what has a stand-in */
	bool has_memballoon; /* libvirt adds a virtio one where there is none */

	struct gpupt_element commandline; /* <qemu:commandline> */
	const char **arguments;           /* its <qemu:arg>s, in order */
	struct gpupt_element *argument_elements; /* the same */
	size_t n_arguments, c_arguments, c_argument_elements;
	struct gpupt_element override; /* <qemu:override> */
	const char *override_property; /* one in it that moves BARs; NULL: none */

	struct gpupt_stray *strays;
	size_t n_strays, c_strays;

	struct gpupt_arena *arena; /* holds the strings */
};

GPUPT_DEFINE_CLEANUP(struct gpupt_domain, gpupt_domain_free)

/* gpupt_domain_parse() without a copy of the text, which must outlive the domain and end in
 * a NUL byte. */
int gpupt_domain_parse_borrowed(const char *text, size_t length, const char *name,
				struct gpupt_domain **ret, struct gpupt_error **error);

/* Line and column of an offset. */
struct gpupt_place gpupt_domain_place(const struct gpupt_domain *domain, size_t offset);

/* The machine type; where the text does not say, the root controller's model
 * does, and else libvirt's default for x86 (i440fx). */
enum gpupt_machine gpupt_domain_machine(const struct gpupt_domain *domain);

/* pcie-root or pci-root; NULL when the domain has none. */
const struct gpupt_controller *gpupt_domain_root_controller(const struct gpupt_domain *domain);

#endif
