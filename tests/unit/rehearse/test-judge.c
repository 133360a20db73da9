/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/gpupt.h>

#include "rehearse/judge.h"

/* An A100 behind a port without hotplug, under OVMF's classic window: all BARs are the
 * kernel's to place. */
static const char domain_format[] =
	"<domain type='qemu'><memory unit='GiB'>1</memory>"
	"<os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>"
	"<cpu mode='custom'><model>Westmere</model></cpu><devices>"
	"<controller type='pci' index='0' model='pcie-root'>"
	"<pcihole64 unit='GiB'>%u</pcihole64></controller>"
	"<controller type='pci' index='1' model='pcie-root-port'>"
	"<target hotplug='off'/></controller>"
	"<controller type='pci' index='2' model='pcie-root-port'/>"
	"<controller type='pci' index='3' model='pcie-root-port'/>"
	"<rng model='virtio'/><hostdev mode='subsystem' type='pci'><source>"
	"<address domain='0' bus='8' slot='0' function='0'/></source>"
	"<address type='pci' domain='0' bus='1' slot='0' function='0'/></hostdev>"
	"</devices></domain>";

static struct gpupt_plan *make_plan(const char *firmware, unsigned int hole_gib)
{
	char domain_text[sizeof(domain_format) + 16];
	snprintf(domain_text, sizeof(domain_text), domain_format, hole_gib);
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_plan *plan = NULL;
	struct gpupt_request *request = gpupt_request_new();
	gpupt_request_set_hole(request, GPUPT_HOLE_KEEP, 0);
	assert_int_equal(gpupt_request_set_firmware(request, firmware, NULL), 0);
	assert_int_equal(gpupt_domain_parse(domain_text, strlen(domain_text), NULL, &domain,
					    NULL), 0);
	assert_int_equal(gpupt_inventory_assume(NULL, "0000:08:00.0=10de:20b5", &inventory,
						NULL), 0);
	assert_int_equal(gpupt_plan_make(domain, inventory, request, &plan, NULL), 0);
	gpupt_domain_free(domain);
	gpupt_inventory_free(inventory);
	gpupt_request_free(request);
	return plan;
}

/* A guest that does what one possibility of the plan says, with a perfect stand-in for
 * everything. */
struct scene {
	struct gpupt_plan *plan;
	const struct gpupt_planned *planned;
	struct gpupt_round rounds[2];
	size_t gpu; /* which function it is */
};

static void play(struct scene *scene, size_t world, bool with_kernel)
{
	size_t n = scene->planned->n_functions;
	struct gpupt_mmio_result result;
	GPUPT_AUTOFREE struct gpupt_mmio_function *functions = calloc(n, sizeof(*functions));
	memcpy(functions, scene->planned->functions, n * sizeof(*functions));
	assert_int_equal(gpupt_mmio_place(&scene->planned->worlds[world].guest, functions, n,
					  &result), 0);
	for (size_t r = 0; r < 2; r++)
		for (size_t i = 0; i < n; i++) {
			struct gpupt_seen *seen = &scene->rounds[r].seen[i];
			gpupt_standin_self(&functions[i], &scene->rounds[r].standins[i]);
			*seen = (struct gpupt_seen){ .found = true };
			for (size_t b = 0; b < functions[i].n_bars; b++) {
				const struct gpupt_mmio_bar *bar = &functions[i].bars[b];
				if (bar->index > 5)
					continue;
				seen->bars[bar->index].size = bar->size;
				if (bar->placed_by == GPUPT_MMIO_FIRMWARE ||
				    (with_kernel && bar->placed_by))
					seen->bars[bar->index].address = bar->address;
			}
		}
}

static struct scene open_scene_with(const char *firmware, unsigned int hole_gib)
{
	struct scene scene = { .plan = make_plan(firmware, hole_gib) };
	scene.planned = gpupt_plan_get_planned(scene.plan);
	assert_non_null(scene.planned);
	size_t n = scene.planned->n_functions;
	for (size_t r = 0; r < 2; r++) {
		scene.rounds[r].standins = calloc(n, sizeof(*scene.rounds[r].standins));
		scene.rounds[r].seen = calloc(n, sizeof(*scene.rounds[r].seen));
	}
	while (strncmp(scene.planned->labels[scene.gpu], "hostdev", 7) != 0)
		scene.gpu++;
	return scene;
}

static struct scene open_scene(const char *firmware)
{
	return open_scene_with(firmware, 256);
}

static void close_scene(struct scene *scene)
{
	for (size_t r = 0; r < 2; r++) {
		free(scene->rounds[r].standins);
		free(scene->rounds[r].seen);
	}
	gpupt_plan_free(scene->plan);
}

/* The verdicts on the GPU's three BARs, and on anything else that is not as planned. */
static void assert_verdicts(const struct scene *scene, size_t n_rounds, bool with_kernel,
			    enum gpupt_rehearsal_verdict bar0, enum gpupt_rehearsal_verdict bar1,
			    enum gpupt_rehearsal_verdict bar3)
{
	struct gpupt_rehearsal rehearsal = { 0 };
	assert_int_equal(gpupt_judge(scene->plan, scene->rounds, n_rounds, with_kernel, &rehearsal),
			 0);
	for (size_t i = 0; i < rehearsal.n_bars; i++) {
		const struct gpupt_rehearsal_bar *bar = &rehearsal.bars[i];
		enum gpupt_rehearsal_verdict expected = GPUPT_REHEARSAL_AS_PLANNED;
		if (bar->planned->passed_through)
			expected = bar->planned->bar == 0 ? bar0 :
				   bar->planned->bar == 1 ? bar1 : bar3;
		if (bar->verdict != expected)
			print_error("%s BAR %u: %s\n", bar->planned->device, bar->planned->bar,
				    gpupt_rehearsal_verdict_name(bar->verdict));
		assert_int_equal(bar->verdict, expected);
	}
	free(rehearsal.bars);
}

#define YES GPUPT_REHEARSAL_AS_PLANNED
#define NO GPUPT_REHEARSAL_MISSING
#define KERNEL GPUPT_REHEARSAL_NOT_SEEN_KERNEL
#define BLIND GPUPT_REHEARSAL_NOT_SEEN_STANDIN

static void it_claims_what_it_saw(void **state)
{
	(void)state;
	struct scene scene = open_scene("debian-12");
	play(&scene, 0, true);
	assert_verdicts(&scene, 1, true, YES, YES, YES);
	assert_verdicts(&scene, 2, true, YES, YES, YES);
	play(&scene, 0, false);
	assert_verdicts(&scene, 1, false, KERNEL, KERNEL, KERNEL);
	/* a kernel that did nothing */
	assert_verdicts(&scene, 1, true, NO, NO, NO);
	close_scene(&scene);
}

static void what_is_lost_in_one_boot_is_lost(void **state)
{
	(void)state;
	struct scene scene = open_scene("debian-12");
	play(&scene, 0, true);
	scene.rounds[1].seen[scene.gpu].bars[1].address = 0;
	assert_verdicts(&scene, 1, true, YES, YES, YES);
	assert_verdicts(&scene, 2, true, YES, NO, YES);
	/* each round sees what the other cannot */
	play(&scene, 0, true);
	scene.rounds[0].standins[scene.gpu].bar_of[0] = GPUPT_STANDIN_NONE;
	scene.rounds[1].standins[scene.gpu].bar_of[3] = GPUPT_STANDIN_NONE;
	assert_verdicts(&scene, 1, true, BLIND, YES, YES);
	assert_verdicts(&scene, 2, true, YES, YES, YES);
	scene.rounds[1].seen[scene.gpu].bars[0].address = 0;
	assert_verdicts(&scene, 2, true, NO, YES, YES);
	close_scene(&scene);
}

static void another_place_matters_above_4_gib(void **state)
{
	(void)state;
	struct scene scene = open_scene("debian-12");
	play(&scene, 0, true);
	scene.rounds[0].seen[scene.gpu].bars[0].address += GPUPT_MIB;
	scene.rounds[0].seen[scene.gpu].bars[3].address += GPUPT_GIB;
	assert_verdicts(&scene, 1, true, GPUPT_REHEARSAL_ASSIGNED, YES, GPUPT_REHEARSAL_ELSEWHERE);
	close_scene(&scene);
}

/* A stand-in that another QEMU makes otherwise is none. */
static void a_standin_of_another_size_is_none(void **state)
{
	(void)state;
	struct scene scene = open_scene("debian-12");
	play(&scene, 0, true);
	scene.rounds[0].seen[scene.gpu].bars[1].size /= 2;
	assert_verdicts(&scene, 1, true, YES, BLIND, YES);
	scene.rounds[0].seen[scene.gpu].found = false;
	assert_verdicts(&scene, 1, true, BLIND, BLIND, BLIND);
	close_scene(&scene);
}

/* Whichever possibility the guest is, it is compared with that. */
static void it_finds_the_possibility(void **state)
{
	(void)state;
	struct scene scene = open_scene("ovmf");
	size_t count, tried = 0;
	gpupt_plan_get_possibilities(scene.plan, &count, NULL);
	for (size_t w = 0; w < count; w++) {
		struct gpupt_rehearsal rehearsal = { 0 };
		if (!scene.planned->worlds[w].distinct)
			continue;
		play(&scene, w, true);
		assert_int_equal(gpupt_judge(scene.plan, scene.rounds, 1, true, &rehearsal), 0);
		for (size_t i = 0; i < rehearsal.n_bars; i++)
			assert_int_not_equal(rehearsal.bars[i].verdict, GPUPT_REHEARSAL_ELSEWHERE);
		free(rehearsal.bars);
		tried++;
	}
	assert_true(tried > 1);
	close_scene(&scene);
}

/* OVMF leaves out no VGA device: another class stands for it only where all fits. */
static void another_class_is_in_doubt(void **state)
{
	(void)state;
	struct scene scene = open_scene("debian-12");
	play(&scene, 0, true);
	scene.rounds[0].standins[scene.gpu].class_code = 0x030000;
	struct gpupt_rehearsal rehearsal = { 0 };
	assert_int_equal(gpupt_judge(scene.plan, scene.rounds, 1, true, &rehearsal), 0);
	for (size_t i = 0; i < rehearsal.n_bars; i++)
		assert_int_equal(rehearsal.bars[i].verdict, BLIND);
	free(rehearsal.bars);
	close_scene(&scene);
}

/* A hole that is too small: which BARs go without may hang on a stand-in's own. */
static void who_goes_without_is_in_doubt(void **state)
{
	(void)state;
	struct scene scene = open_scene_with("debian-12", 64);
	struct gpupt_standin *standin = &scene.rounds[0].standins[scene.gpu];
	play(&scene, 0, true);
	assert_verdicts(&scene, 1, true, YES, NO, NO);
	scene.rounds[0].seen[scene.gpu].bars[0].address = 0;
	assert_verdicts(&scene, 1, true, NO, NO, NO);
	standin->bars[standin->n_bars++] = (struct gpupt_mmio_bar){ .index = 5, .size = 4096 };
	assert_verdicts(&scene, 1, true, BLIND, NO, NO);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_claims_what_it_saw),
		cmocka_unit_test(what_is_lost_in_one_boot_is_lost),
		cmocka_unit_test(another_place_matters_above_4_gib),
		cmocka_unit_test(a_standin_of_another_size_is_none),
		cmocka_unit_test(it_finds_the_possibility),
		cmocka_unit_test(another_class_is_in_doubt),
		cmocka_unit_test(who_goes_without_is_in_doubt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
