/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

/* Gives a fuzz target every file under the directories named on the command
 * line, and variations of each that are the same in every run. */

enum { MAX_SIZE = 1 << 20, VARIATIONS = 200 };

/* What the target is working on, for the one who has to reproduce a failure. */
static struct {
	const char *path;
	int variation; /* -1: the file itself */
	unsigned long inputs;
} current;

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Runs the target on a copy that ends where the memory ends, so that a
 * sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	FUZZ_CHECK(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	current.inputs++;
}

static size_t cut(uint8_t *data, size_t size, uint32_t *seed)
{
	(void)data;
	return next_random(seed) % size;
}

static size_t change_byte(uint8_t *data, size_t size, uint32_t *seed)
{
	static const char telling[] = "<>/='\"&;! \n-0:,]\xff";
	uint32_t at = next_random(seed), with = next_random(seed);
	data[at % size] = (uint8_t)telling[with % sizeof(telling)];
	return size;
}

static size_t remove_bytes(uint8_t *data, size_t size, uint32_t *seed)
{
	size_t at = next_random(seed) % size;
	size_t count = next_random(seed) % 16;
	count = count < size - at ? count : size - at;
	memmove(data + at, data + at + count, size - at - count);
	return size - count;
}

/* Copies bytes from one place to another, over what was there. */
static size_t repeat_bytes(uint8_t *data, size_t size, uint32_t *seed)
{
	size_t from = next_random(seed) % size, to = next_random(seed) % size;
	size_t room = size - (from > to ? from : to);
	size_t count = next_random(seed) % 64;
	memmove(data + to, data + from, count < room ? count : room);
	return size;
}

static size_t vary(uint8_t *data, size_t size, uint32_t *seed)
{
	static size_t (*const ways[])(uint8_t *, size_t, uint32_t *) = {
		cut, change_byte, change_byte, remove_bytes, repeat_bytes,
	};
	for (uint32_t n = 1 + next_random(seed) % 4; n > 0 && size > 0; n--)
		size = ways[next_random(seed) % (sizeof(ways) / sizeof(*ways))](data, size, seed);
	return size;
}

/* What a target may bring along, and what libFuzzer offers to it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
						     size_t max_size, unsigned int seed);
static uint32_t mutate_seed = 1;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)max_size;
	return vary(data, size, &mutate_seed);
}

/* One more variation. A target's own way builds on the one before. */
static size_t change(const uint8_t *data, uint8_t *varied, size_t size, size_t varied_size,
		     uint32_t *seed)
{
	if (LLVMFuzzerCustomMutator && current.variation % 8 != 0)
		return LLVMFuzzerCustomMutator(varied, varied_size, MAX_SIZE, next_random(seed));
	memcpy(varied, data, size);
	return LLVMFuzzerCustomMutator ? size : vary(varied, size, seed);
}

static int replay(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)where;
	static uint8_t data[MAX_SIZE], varied[MAX_SIZE];
	if (type != FTW_F)
		return 0;
	FILE *file = fopen(path, "r");
	FUZZ_CHECK(file);
	size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);
	current.path = path;
	current.variation = -1;
	run(data, size);
	uint32_t seed = 1;
	size_t varied_size = size;
	while (++current.variation < VARIATIONS) {
		varied_size = change(data, varied, size, varied_size, &seed);
		run(varied, varied_size);
	}
	return 0;
}

static void tell(int signal_number)
{
	char line[512];
	int length = snprintf(line, sizeof(line), "signal %d in %s, variation %d\n",
			      signal_number, current.path, current.variation);
	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		_exit(2);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

int main(int argc, char **argv)
{
	signal(SIGABRT, tell);
	current.path = "(no input)";
	run((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		if (nftw(argv[i], replay, 8, 0) != 0) {
			perror(argv[i]);
			return 1;
		}
	printf("%lu inputs\n", current.inputs);
	return 0;
}
