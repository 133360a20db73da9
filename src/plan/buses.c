/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Free places on the guest's buses, found in libvirt's order (src/conf/domain_addr.c, 9.0). */

#include "plan/buses.h"

unsigned int gpupt_connect_of_bridge(enum gpupt_controller_model model)
{
	switch (model) {
	case GPUPT_CONTROLLER_ROOT_PORT: return GPUPT_CONNECT_ROOT_PORT;
	case GPUPT_CONTROLLER_SWITCH_UPSTREAM: return GPUPT_CONNECT_UPSTREAM;
	case GPUPT_CONTROLLER_SWITCH_DOWNSTREAM: return GPUPT_CONNECT_DOWNSTREAM;
	case GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE: return GPUPT_CONNECT_DMI_TO_PCI;
	case GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE: return GPUPT_CONNECT_PCIE_TO_PCI;
	case GPUPT_CONTROLLER_EXPANDER: return GPUPT_CONNECT_EXPANDER;
	case GPUPT_CONTROLLER_PCIE_EXPANDER: return GPUPT_CONNECT_PCIE_EXPANDER;
	default: return GPUPT_CONNECT_PCI_BRIDGE;
	}
}

unsigned int gpupt_connect_of_plug(enum gpupt_plug plug, bool q35)
{
	unsigned int integrated = plug == GPUPT_PLUG_ROOT ? GPUPT_CONNECT_INTEGRATED : 0;
	bool express = q35 && plug != GPUPT_PLUG_PCI;
	return (express ? GPUPT_CONNECT_PCIE : GPUPT_CONNECT_PCI) | GPUPT_CONNECT_AUTO | integrated;
}

/* virDomainPCIAddressBusSetModel() */
static struct gpupt_bus bus_of(enum gpupt_controller_model model)
{
	const unsigned int pci = GPUPT_CONNECT_AUTO | GPUPT_CONNECT_PCI | GPUPT_CONNECT_PCI_BRIDGE;
	struct gpupt_bus bus = { .model = model, .last_slot = GPUPT_SLOTS - 1 };
	switch (model) {
	case GPUPT_CONTROLLER_PCI_ROOT:
		bus.takes = pci | GPUPT_CONNECT_EXPANDER;
		bus.first_slot = 1;
		break;
	case GPUPT_CONTROLLER_PCIE_ROOT:
		bus.takes = GPUPT_CONNECT_PCIE | GPUPT_CONNECT_ROOT_PORT |
			    GPUPT_CONNECT_DMI_TO_PCI | GPUPT_CONNECT_PCIE_EXPANDER;
		bus.first_slot = 1;
		break;
	case GPUPT_CONTROLLER_ROOT_PORT:
	case GPUPT_CONTROLLER_SWITCH_DOWNSTREAM:
		bus.takes = GPUPT_CONNECT_AUTO | GPUPT_CONNECT_PCIE | GPUPT_CONNECT_UPSTREAM |
			    GPUPT_CONNECT_PCIE_TO_PCI;
		bus.last_slot = 0;
		break;
	case GPUPT_CONTROLLER_SWITCH_UPSTREAM:
		bus.takes = GPUPT_CONNECT_DOWNSTREAM;
		break;
	case GPUPT_CONTROLLER_PCIE_EXPANDER:
		bus.takes = GPUPT_CONNECT_ROOT_PORT | GPUPT_CONNECT_DMI_TO_PCI;
		break;
	case GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE:
		bus.takes = GPUPT_CONNECT_PCI | GPUPT_CONNECT_PCI_BRIDGE;
		break;
	case GPUPT_CONTROLLER_EXPANDER:
		bus.takes = pci;
		break;
	default: /* slot 0 is the hotplug controller's */
		bus.takes = pci;
		bus.first_slot = 1;
		break;
	}
	return bus;
}

int gpupt_buses_add(struct gpupt_buses *buses, enum gpupt_controller_model model)
{
	if (!GPUPT_GROW(buses->items, buses->count, buses->capacity))
		return GPUPT_E_NOMEM;
	buses->items[buses->count++] = bus_of(model);
	return 0;
}

static bool has_place_for_bridge(const struct gpupt_buses *buses)
{
	for (size_t i = 0; i < buses->count; i++)
		if (buses->items[i].takes & GPUPT_CONNECT_PCI_BRIDGE)
			return true;
	return false;
}

/* A root port that is kept for the bridge behind it, and that. */
static int add_way_to_pci(struct gpupt_buses *buses)
{
	if (gpupt_buses_add(buses, GPUPT_CONTROLLER_ROOT_PORT) < 0)
		return GPUPT_E_NOMEM;
	buses->items[buses->count - 1].takes = GPUPT_CONNECT_PCIE_TO_PCI;
	return gpupt_buses_add(buses, GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE);
}

int gpupt_buses_grow(struct gpupt_buses *buses, unsigned int wants, size_t *bus)
{
	int r = 0;
	if (!(wants & (GPUPT_CONNECT_PCI | GPUPT_CONNECT_PCIE | GPUPT_CONNECT_UPSTREAM)))
		return GPUPT_E_NO_FIT;
	bool pci = wants & GPUPT_CONNECT_PCI;
	if (pci && *bus >= buses->count && !has_place_for_bridge(buses)) {
		*bus += *bus == buses->count;
		r = add_way_to_pci(buses);
	}
	while (r == 0 && buses->count <= *bus)
		r = gpupt_buses_add(buses, pci ? GPUPT_CONTROLLER_PCI_BRIDGE :
				    GPUPT_CONTROLLER_ROOT_PORT);
	return r;
}

void gpupt_buses_take(struct gpupt_buses *buses, unsigned int wants, struct gpupt_spot place)
{
	struct gpupt_bus *bus = &buses->items[place.bus];
	if (place.slot > bus->last_slot) /* libvirt refuses it; the port is not free */
		place.slot = bus->last_slot;
	if (!bus->functions[place.slot] && (wants & GPUPT_CONNECT_ROOT_PORT))
		bus->shared |= UINT32_C(1) << place.slot;
	bus->functions[place.slot] |= (uint8_t)(1u << place.function);
}

/* virDomainPCIAddressFlagsCompatible(), for what the domain gives no address */
static bool takes(const struct gpupt_buses *buses, size_t number, unsigned int wants)
{
	unsigned int bus = buses->items[number].takes;
	if (wants & GPUPT_CONNECT_INTEGRATED)
		return number == 0;
	return (bus & wants & (GPUPT_CONNECT_AUTO - 1)) &&
	       (!(wants & GPUPT_CONNECT_AUTO) || (bus & GPUPT_CONNECT_AUTO));
}

static bool is_free(const struct gpupt_bus *bus, unsigned int slot, unsigned int wants)
{
	if (!bus->functions[slot])
		return true;
	return (wants & GPUPT_CONNECT_ROOT_PORT) && (bus->shared & (UINT32_C(1) << slot)) &&
	       bus->functions[slot] != 0xff;
}

/* virDomainPCIAddressGetNextAddr() */
static bool find(struct gpupt_buses *buses, unsigned int wants, struct gpupt_spot *ret)
{
	unsigned int kind = (unsigned int)__builtin_ctz(wants);
	bool integrated = wants & GPUPT_CONNECT_INTEGRATED;
	size_t number = integrated ? 0 : buses->cursor[kind].bus;
	unsigned int slot = integrated ? 0 : buses->cursor[kind].slot;
	for (; number < buses->count; number++, slot = 0) {
		const struct gpupt_bus *bus = &buses->items[number];
		if (!takes(buses, number, wants))
			continue;
		if (slot < bus->first_slot)
			slot = bus->first_slot;
		while (slot <= bus->last_slot && !is_free(bus, slot, wants))
			slot++;
		if (slot <= bus->last_slot)
			break;
	}
	if (!integrated) {
		buses->cursor[kind].bus = number;
		buses->cursor[kind].slot = slot;
	}
	*ret = (struct gpupt_spot){ .bus = number, .slot = slot };
	return number < buses->count;
}

int gpupt_buses_find(struct gpupt_buses *buses, unsigned int wants, int function,
		     struct gpupt_spot *ret)
{
	struct gpupt_spot place;
	if (!find(buses, wants, &place)) {
		int r = buses->grows ? gpupt_buses_grow(buses, wants, &place.bus) : GPUPT_E_NO_FIT;
		if (r < 0)
			return r;
		place.slot = buses->items[place.bus].first_slot;
	}
	if (function != GPUPT_ANY_FUNCTION)
		place.function = (unsigned int)function;
	else
		while (buses->items[place.bus].functions[place.slot] & (1u << place.function))
			place.function++;
	gpupt_buses_take(buses, wants, place);
	*ret = place;
	return 0;
}

bool gpupt_buses_slot_in_use(const struct gpupt_buses *buses, unsigned int slot)
{
	return buses->items[0].functions[slot] != 0;
}

bool gpupt_buses_full(const struct gpupt_buses *buses)
{
	for (size_t i = 0; i < buses->count; i++)
		for (unsigned int slot = buses->items[i].first_slot;
		     slot <= buses->items[i].last_slot; slot++)
			if (!buses->items[i].functions[slot])
				return false;
	return true;
}
