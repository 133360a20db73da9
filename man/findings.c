/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs while building: copies the page from standard input and puts the one list of
 * findings, in scdoc's language, where the page has a line "{findings}". */

#include <stdio.h>
#include <string.h>

#include <gpupt/plan.h>

static const struct {
	unsigned int number;
	enum gpupt_severity severity;
	const char *meaning, *remedy;
} findings[] = {
#define FINDING(number, symbol, severity, meaning, remedy) { number, severity, meaning, remedy },
#include "plan/findings.def"
#undef FINDING
};

static const char *const severities[] = {
	[GPUPT_INFO] = "note",
	[GPUPT_WARNING] = "warning",
	[GPUPT_ERROR] = "error",
};

/* The texts are prose: what means something to scdoc is escaped. */
static void print_prose(const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_#`[]|", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void print_findings(void)
{
	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		printf("## GPUPT-%04u (%s)\n\n", findings[i].number,
		       severities[findings[i].severity]);
		print_prose(findings[i].meaning);
		fputs("\n\n", stdout);
		if (!*findings[i].remedy)
			continue;
		fputs("_Remedy_: ", stdout);
		print_prose(findings[i].remedy);
		fputs("\n\n", stdout);
	}
}

int main(void)
{
	char line[1024];
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "{findings}\n") == 0)
			print_findings();
		else
			fputs(line, stdout);
	}
	return ferror(stdin) || fflush(stdout) == EOF;
}
