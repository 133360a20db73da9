/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order firmware and kernel enumerate functions in: bus by bus. */

#include "plan/tree.h"

struct order {
	int parent;
	unsigned int slot, function;
	size_t node;
};

static int compare_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static const struct order *first_child(const struct order *order, size_t count, int parent)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return order + low;
}

/* Whether the guest finds the function: number 0 of its slot is there. The chipset has
 * one in the slots of the root bus that it shares. */
static bool is_found(const struct gpupt_tree *tree, const struct order *order, size_t i)
{
	const struct gpupt_node *node = &tree->nodes[order[i].node];
	if (!node->device.wanted || !order[i].function || order[i].parent == GPUPT_ROOT_BUS)
		return true;
	while (i > 0 && order[i - 1].parent == order[i].parent && order[i - 1].slot == order[i].slot)
		i--;
	return order[i].function == 0;
}

/* A device that nobody finds has no BARs as far as the guest is concerned. */
static void drop_the_lost(struct gpupt_tree *tree, const struct order *order)
{
	struct gpupt_making *making = tree->making;
	for (size_t i = 0; i < tree->count; i++) {
		struct gpupt_node *node = &tree->nodes[order[i].node];
		if (is_found(tree, order, i))
			continue;
		node->function.n_bars = 0;
		const char *host = gpupt_making_address(making, node->device.wanted->host);
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_NO_FUNCTION_ZERO,
				   making->domain, node->device.element, host,
				   "%s is function %u of a slot without a function 0; the guest "
				   "does not find it", host, order[i].function);
	}
}

int gpupt_tree_flatten(struct gpupt_tree *tree)
{
	struct gpupt_making *making = tree->making;
	GPUPT_AUTOFREE struct order *order = calloc(tree->count + 1, sizeof(*order));
	GPUPT_AUTOFREE size_t *node_of = calloc(tree->count + 1, sizeof(*node_of));
	making->functions = malloc((tree->count + 1) * sizeof(*making->functions));
	making->devices = malloc((tree->count + 1) * sizeof(*making->devices));
	if (!order || !node_of || !making->functions || !making->devices)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_node *node = &tree->nodes[i];
		order[i] = (struct order){ node->parent, node->function.slot,
					   node->function.function, i };
	}
	qsort(order, tree->count, sizeof(*order), compare_order);
	drop_the_lost(tree, order);
	size_t done = 0;
	for (int position = -1; position < (int)done; position++) {
		int parent = position < 0 ? GPUPT_ROOT_BUS : (int)node_of[position];
		const struct order *child = first_child(order, tree->count, parent);
		for (; child < order + tree->count && child->parent == parent; child++) {
			making->functions[done] = tree->nodes[child->node].function;
			making->functions[done].parent = position;
			making->devices[done] = tree->nodes[child->node].device;
			node_of[done++] = child->node;
		}
	}
	making->n_functions = done;
	return 0;
}
