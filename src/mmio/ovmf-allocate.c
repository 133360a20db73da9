/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* edk2's PciHostBridgeDxe (MdeModulePkg/Bus/Pci/PciHostBridgeDxe/PciHostBridge.c), whose
 * memory of failed requests outlives them. */

#include "mmio/ovmf.h"

/* AllocateResource(): what is wanted above 4 GiB may end up below. */
static int allocate_tree(struct gpupt_space *free, struct gpupt_ovmf_request *request,
			 enum tree tree)
{
	request->ok = false;
	if (!request->wanted)
		return 0;
	int r = gpupt_space_fit(&free[tree], request->length, request->align, false, &request->ok,
				&request->base);
	if (r || request->ok || tree != PREF)
		return r;
	return gpupt_space_fit(&free[MEM], request->length, request->align, false, &request->ok,
			       &request->base);
}

/* The next that NotifyPhase() looks at: of those not handled yet that with the largest
 * alignment. It takes no notice of whether there is a request, so one of an earlier round
 * may come up, of which nothing is left but the alignment. */
static enum tree next_tree(struct gpupt_ovmf_request *const *requests,
				      const bool *handled)
{
	enum tree found = N_TREES;
	uint64_t most = 0;
	for (enum tree t = IO; t < N_TREES; t++)
		if (!handled[t] && requests[t]->asked_align >= most) {
			most = requests[t]->asked_align;
			found = t;
		}
	return found;
}

/* NotifyPhase() for one root bus: as often as there are requests. One that failed stays,
 * whether there is still something to ask for or not. */
int gpupt_ovmf_allocate(struct gpupt_space free[N_TREES],
			struct gpupt_ovmf_request *requests[N_TREES], bool *ret_all)
{
	bool handled[N_TREES] = { false };
	for (enum tree t = IO; t < N_TREES; t++) {
		struct gpupt_ovmf_request *request = requests[t];
		request->asked = request->wanted || (request->asked && !request->ok);
		request->ok = false;
		if (request->wanted)
			request->asked_align = request->align;
	}
	for (enum tree t = IO; t < N_TREES; t++) {
		if (!requests[t]->asked) {
			handled[t] = true;
			continue;
		}
		enum tree next = next_tree(requests, handled);
		handled[next] = true;
		int r = allocate_tree(free, requests[next], next);
		if (r)
			return r;
		*ret_all &= requests[next]->ok;
	}
	return 0;
}
