/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan as JSON: sizes and addresses in bytes, as numbers where they fit JSON's
 * signed 64 bits (jansson's json_int_t), which every guest address does. */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/json.h"
#include "plan/json.h"
#include "plan/making.h"

static const char *severity_name(enum gpupt_severity severity)
{
	return severity == GPUPT_ERROR ? "error" : severity == GPUPT_WARNING ? "warning" : "info";
}

GPUPT_EXPORT json_t *gpupt_json_of_number(uint64_t value)
{
	return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *number(uint64_t value)
{
	return gpupt_json_of_number(value);
}

static json_t *hole_json(const struct gpupt_hole_numbers *hole)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:[oo], s:[oo]}",
			 "present", hole->present, "current_bytes", number(hole->current),
			 "planned_bytes", number(hole->planned), "minimum_bytes",
			 number(hole->minimum), "maximum_bytes", number(hole->maximum),
			 "start", number(hole->hole_start), "bar_sum_bytes", number(hole->bar_sum),
			 "largest_bar_bytes", number(hole->largest_bar), "headroom_bytes",
			 number(hole->headroom), "phys_bits", (int)hole->phys_bits,
			 "phys_bits_assumed", hole->phys_bits_assumed, "window",
			 number(hole->window_start), number(hole->window_end), "firmware_window",
			 number(hole->firmware_window_start), number(hole->firmware_window_end));
}

GPUPT_EXPORT json_t *gpupt_json_of_finding(const struct gpupt_finding *finding)
{
	char id[32];
	snprintf(id, sizeof(id), "GPUPT-%04u", finding->number);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I}", "id", id, "severity",
			 severity_name(finding->severity), "subject",
			 gpupt_json_text(finding->subject), "text", gpupt_json_text(finding->text),
			 "remedy", gpupt_json_text(finding->remedy), "line",
			 (json_int_t)finding->line, "column", (json_int_t)finding->column);
}

static json_t *bar_json(const struct gpupt_layout_bar *bar)
{
	static const char *const placers[] = { "nobody", "firmware", "kernel" };
	char host[GPUPT_PCI_ADDRESS_TEXT_MAX];
	json_t *object = json_pack("{s:s, s:i, s:o, s:b, s:b, s:b, s:s, s:o, s:s, s:s}", "device",
				   bar->device, "bar", (int)bar->bar, "size_bytes",
				   number(bar->size_bytes), "mem64", bar->mem64, "prefetchable",
				   bar->prefetchable, "passed_through", bar->passed_through,
				   "placed_by", placers[bar->placed_by], "guest_address",
				   bar->placed_by ? number(bar->guest_address) : json_null(),
				   "reason", bar->reason, "guest_path", bar->guest_path);
	if (object && bar->passed_through &&
	    json_object_set_new(object, "host",
				json_string(gpupt_pci_address_format(bar->host, host))) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Takes the value, also where there is no object to put it into. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *region_json(const struct gpupt_map_region *region)
{
	json_t *object = json_pack("{s:s, s:o, s:o, s:s}", "kind",
				   gpupt_map_kind_name(region->kind), "start",
				   number(region->start), "end", number(region->end), "label",
				   region->label);
	bool ok = !region->bar || set(object, "bar", json_integer(region->bar->bar));
	if (ok && set(object, "depth", json_integer(region->depth)))
		return object;
	json_decref(object);
	return NULL;
}

static json_t *step_json(const struct gpupt_step *step)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "remedy",
			 gpupt_remedy_name(step->remedy), "subject", step->subject, "text",
			 step->text, "reason", step->reason, "cost", step->cost, "needs",
			 step->needs);
}

static json_t *edit_json(const struct gpupt_edit *edit)
{
	return json_pack("{s:I, s:I, s:s%}", "offset", (json_int_t)edit->offset, "length",
			 (json_int_t)edit->length, "replacement", edit->replacement,
			 edit->replacement_length);
}

static json_t *possibility_json(const struct gpupt_possibility *possibility)
{
	return json_pack("{s:s, s:b, s:s, s:o}", "name", possibility->name, "booted",
			 possibility->booted, "verdict", gpupt_verdict_name(possibility->verdict),
			 "minimum_bytes", possibility->has_minimum ? number(possibility->minimum) :
								     json_null());
}

/* Takes the item. */
static bool append(json_t *array, json_t *item)
{
	return json_array_append_new(array, item) == 0;
}

static json_t *plan_json(const struct gpupt_plan *plan)
{
	json_t *findings = json_array(), *layout = json_array(), *edits = json_array();
	json_t *possibilities = json_array(), *map = json_array(), *steps = json_array();
	bool ok = findings && layout && edits && possibilities && map && steps;
	for (size_t i = 0; i < plan->findings.count && ok; i++)
		ok = append(findings, gpupt_json_of_finding(&plan->findings.items[i]));
	for (size_t i = 0; i < plan->n_layout && ok; i++)
		ok = append(layout, bar_json(&plan->layout[i]));
	for (size_t i = 0; i < plan->n_edits && ok; i++)
		ok = append(edits, edit_json(&plan->edits[i]));
	for (size_t i = 0; i < plan->n_possibilities && ok; i++)
		ok = append(possibilities, possibility_json(&plan->possibilities[i]));
	for (size_t i = 0; i < plan->n_map && ok; i++)
		ok = append(map, region_json(&plan->map[i]));
	for (size_t i = 0; i < plan->n_steps && ok; i++)
		ok = append(steps, step_json(&plan->steps[i]));
	json_t *hole = ok ? hole_json(&plan->hole) : NULL;
	if (!ok || !hole) {
		json_decref(findings);
		json_decref(layout);
		json_decref(edits);
		json_decref(possibilities);
		json_decref(map);
		json_decref(steps);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "format",
			 "gpupt-plan", "version", 1, "verdict",
			 gpupt_verdict_name(plan->verdict), "hole", hole, "findings", findings,
			 "possibilities", possibilities, "shown", (int)plan->shown, "layout", layout,
			 "map", map, "steps", steps, "edits", edits);
}

GPUPT_EXPORT int gpupt_plan_to_json(const struct gpupt_plan *plan, char **ret_text,
				    size_t *ret_length, struct gpupt_error **error)
{
	json_t *json = plan_json(plan);
	char *text = json ? gpupt_json_dump(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	if (!text)
		return gpupt_fail_nomem(error);
	*ret_length = strlen(text);
	*ret_text = text;
	return 0;
}
