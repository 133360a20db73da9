/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libgpupt(3) says of threads: many of them parse, plan, splice, diff and write JSON at
 * once, first each with objects of its own, then all with the same host, domains and request; what
 * each gets is what a single thread gets. The single one comes last, so that whatever is
 * set up at the first use is set up by many at once.
 *   threads SYSFS LSPCI SNAPSHOT DOMAIN... */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gpupt/gpupt.h>

enum { N_THREADS = 8, MAX_DOMAINS = 256 };

#define MORE "0000:09:00.0" /* a card that no guest has yet */

struct file {
	const char *path;
	char *text;
	size_t length;
};

static struct work {
	const char *sysfs;
	struct file lspci, snapshot, xml[MAX_DOMAINS];
	size_t n_domains;
	struct gpupt_inventory *host; /* these: for all threads, once they are there */
	struct gpupt_domain *domains[MAX_DOMAINS];
	struct gpupt_request *request;
	pthread_barrier_t start;
} work;

struct thread {
	pthread_t id;
	size_t first; /* domain: no two begin with the same one */
	char *records[MAX_DOMAINS];
};

static struct file read_file(const char *path)
{
	struct file file = { .path = path };
	FILE *stream = fopen(path, "r");
	size_t room = 0;
	ssize_t length = stream ? getdelim(&file.text, &room, -1, stream) : -1;
	if (length < 0) {
		perror(path);
		exit(99);
	}
	file.length = (size_t)length;
	fclose(stream);
	return file;
}

/* A record is all that came out, errors too. Takes what it is given. */
static void keep_error(FILE *record, struct gpupt_error *error)
{
	fprintf(record, "%s:%zu:%zu: %s\n", gpupt_error_get_file(error),
		gpupt_error_get_line(error), gpupt_error_get_column(error),
		gpupt_error_get_message(error));
	gpupt_error_free(error);
}

static void keep(FILE *record, int status, char *text, size_t length, struct gpupt_error *error)
{
	if (status < 0) {
		keep_error(record, error);
		return;
	}
	fwrite(text, 1, length, record);
	free(text);
}

static void record_plan(FILE *record, const struct gpupt_domain *domain,
			const struct gpupt_plan *plan)
{
	const struct gpupt_diff_options options = { "a", "b", 3, true };
	struct gpupt_error *error = NULL;
	char *text = NULL, *more = NULL, size[GPUPT_SIZE_TEXT_MAX];
	size_t length, more_length, old_length, count;
	const char *old = gpupt_domain_get_text(domain, &old_length);
	fprintf(record, "%s, %s\n", gpupt_verdict_name(gpupt_plan_get_verdict(plan)),
		gpupt_size_format(gpupt_plan_get_hole(plan)->planned, size));
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	for (size_t i = 0; i < count; i++)
		fprintf(record, "%zu:%zu: %s\n", findings[i].line, findings[i].column,
			findings[i].text);
	int r = gpupt_plan_to_json(plan, &more, &more_length, &error);
	keep(record, r, more, more_length, error);
	error = NULL;
	r = gpupt_plan_apply(plan, domain, &text, &length, &error);
	if (r < 0) {
		keep_error(record, error);
		return;
	}
	r = gpupt_diff(old, old_length, text, length, &options, &more, &more_length, NULL, &error);
	keep(record, r, more, more_length, error);
	error = NULL;
	r = gpupt_redact(text, length, &more, &more_length, &error);
	keep(record, r, more, more_length, error);
	free(text);
}

/* What is wished for is @p add, with all that may be done for it; NULL: nothing. */
static void record_domain(FILE *record, const struct gpupt_domain *domain,
			  const struct gpupt_inventory *host, const char *add)
{
	bool is_own = add || !work.request;
	struct gpupt_request *request = is_own ? gpupt_request_new() : work.request;
	struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	int r = 0;
	if (add)
		r = gpupt_request_add_device(request, add, &error);
	if (add && r == 0)
		r = gpupt_request_allow(request, "move,maxphysaddr,fwcfg,cmdline", &error);
	if (r == 0)
		r = gpupt_plan_make(domain, host, request, &plan, &error);
	if (r < 0)
		keep_error(record, error);
	else
		record_plan(record, domain, plan);
	gpupt_plan_free(plan);
	if (is_own)
		gpupt_request_free(request);
}

static void record_host(FILE *record, const struct gpupt_inventory *host)
{
	const struct gpupt_checkup_options options = { .sysfs = work.sysfs };
	struct gpupt_checkup *checkup = NULL;
	struct gpupt_error *error = NULL;
	char *text = NULL;
	size_t length;
	int r = gpupt_inventory_write_snapshot(host, &text, &length, &error);
	keep(record, r, text, length, error);
	error = NULL;
	r = gpupt_checkup_make(host, &options, &checkup, &error);
	if (r == 0)
		r = gpupt_checkup_to_json(checkup, &text, &length, &error);
	keep(record, r, text, length, error);
	gpupt_checkup_free(checkup);
}

/* From texts to results, with nothing that anybody else has. */
static void record_all(FILE *record, const struct file *xml)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *hosts[4] = { 0 };
	struct gpupt_error *error = NULL;
	int r = gpupt_domain_parse(xml->text, xml->length, xml->path, &domain, &error);
	if (r == 0)
		r = gpupt_inventory_parse(work.snapshot.text, work.snapshot.length, "snapshot",
					  &hosts[0], &error);
	if (r == 0)
		r = gpupt_inventory_parse(work.lspci.text, work.lspci.length, "lspci", &hosts[1],
					  &error);
	if (r == 0)
		r = gpupt_inventory_read_sysfs(work.sysfs, &hosts[2], &error);
	if (r == 0)
		r = gpupt_inventory_assume(hosts[0], MORE "=10de:2330", &hosts[3], &error);
	if (r < 0)
		keep_error(record, error);
	for (size_t i = 0; r == 0 && i < 4; i++) {
		record_host(record, hosts[i]);
		record_domain(record, domain, hosts[i], i == 3 ? MORE : NULL);
	}
	for (size_t i = 0; i < 4; i++)
		gpupt_inventory_free(hosts[i]);
	gpupt_domain_free(domain);
}

static char *make_record(size_t i)
{
	char *text = NULL;
	size_t length;
	FILE *record = open_memstream(&text, &length);
	if (!record)
		exit(99);
	if (!work.host) {
		record_all(record, &work.xml[i]);
	} else if (work.domains[i]) {
		record_host(record, work.host);
		record_domain(record, work.domains[i], work.host, NULL);
		record_domain(record, work.domains[i], work.host, MORE);
	}
	fclose(record);
	return text;
}

static void *run(void *data)
{
	struct thread *thread = data;
	pthread_barrier_wait(&work.start);
	for (size_t i = 0; i < work.n_domains; i++) {
		size_t which = (thread->first + i) % work.n_domains;
		thread->records[which] = make_record(which);
	}
	return NULL;
}

static void run_threads(struct thread *threads)
{
	pthread_barrier_init(&work.start, NULL, N_THREADS);
	for (size_t i = 0; i < N_THREADS; i++) {
		/* half of them begin with the same, so that they meet */
		threads[i].first = i % 2 ? i * work.n_domains / N_THREADS : 0;
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			exit(99);
	}
	for (size_t i = 0; i < N_THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&work.start);
}

/* Frees the records, too. */
static int compare(struct thread *threads, const char *what)
{
	int failures = 0;
	size_t bytes = 0;
	for (size_t i = 0; i < work.n_domains; i++) {
		char *alone = make_record(i);
		bytes += strlen(alone);
		for (size_t j = 0; j < N_THREADS; j++) {
			if (strcmp(threads[j].records[i], alone) != 0) {
				printf("FAILED: thread %zu with %s, %s:\n%s\ninstead of:\n%s\n", j,
				       what, work.xml[i].path, threads[j].records[i], alone);
				failures++;
			}
			free(threads[j].records[i]);
		}
		free(alone);
	}
	printf("%s: %d threads, %zu domains, %zu bytes each\n", what, N_THREADS, work.n_domains,
	       bytes);
	return failures + (bytes == 0);
}

int main(int argc, char **argv)
{
	static struct thread threads[N_THREADS];
	if (argc < 5 || argc > 4 + MAX_DOMAINS)
		return 99;
	work.sysfs = argv[1];
	work.lspci = read_file(argv[2]);
	work.snapshot = read_file(argv[3]);
	for (int i = 4; i < argc; i++)
		work.xml[work.n_domains++] = read_file(argv[i]);

	run_threads(threads);
	int failures = compare(threads, "objects of their own");

	struct gpupt_inventory *host = NULL;
	if (gpupt_inventory_parse(work.snapshot.text, work.snapshot.length, "snapshot", &host,
				  NULL) < 0 ||
	    gpupt_inventory_assume(host, MORE "=10de:2330", &work.host, NULL) < 0)
		return 99;
	gpupt_inventory_free(host);
	work.request = gpupt_request_new();
	gpupt_request_set_force(work.request, true);
	for (size_t i = 0; i < work.n_domains; i++)
		gpupt_domain_parse(work.xml[i].text, work.xml[i].length, work.xml[i].path,
				   &work.domains[i], NULL);
	run_threads(threads);
	failures += compare(threads, "shared objects");

	for (size_t i = 0; i < work.n_domains; i++) {
		gpupt_domain_free(work.domains[i]);
		free(work.xml[i].text);
	}
	gpupt_request_free(work.request);
	gpupt_inventory_free(work.host);
	free(work.snapshot.text);
	free(work.lspci.text);
	return failures > 0;
}
