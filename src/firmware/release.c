/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware/firmware.h"

#include <ctype.h>
#include <stdio.h>

/* Stable tags come in February, May, August and November; once in March. */
static unsigned int stable_tag(unsigned int year, unsigned int month)
{
	if (year < 2018 || year > 2099 || month > 12 ||
	    (month % 3 != 2 && !(year == 2019 && month == 3)))
		return 0;
	unsigned int release = year * 100 + month;
	return release < 201808 ? 0 : release;
}

/* Exactly `digits` digits; false, and nothing moves, for more or fewer. */
static bool take_number(const char **text, size_t digits, unsigned int *ret)
{
	unsigned int number = 0;
	for (size_t i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*text)[i]))
			return false;
		number = number * 10 + (unsigned int)((*text)[i] - '0');
	}
	if (isdigit((unsigned char)(*text)[digits]))
		return false;
	*text += digits;
	*ret = number;
	return true;
}

static bool skip(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);
	if (strncmp(*text, prefix, length) != 0)
		return false;
	*text += length;
	return true;
}

unsigned int gpupt_ovmf_release(const char *name)
{
	unsigned int release;
	if ((!skip(&name, "edk2-stable") && !skip(&name, "ovmf-")) ||
	    !take_number(&name, 6, &release) || *name)
		return 0;
	return stable_tag(release / 100, release % 100);
}

unsigned int gpupt_seabios_release(const char *name)
{
	unsigned int major, minor, patch;
	char rest;
	if (!skip(&name, "seabios-") ||
	    sscanf(name, "%2u.%2u.%2u%c", &major, &minor, &patch, &rest) != 3 || major != 1 ||
	    minor < 7)
		return 0;
	return major * 10000 + minor * 100 + patch;
}

/* What may follow a release within a version; strchr() finds the end as well. */
static bool ends_release(char next)
{
	return strchr("-+~_ /", next);
}

/* Red Hat and Fedora name the day of the commit that is packaged: it is a stable
 * tag's, or one after it. */
static unsigned int stable_tag_by(unsigned int date)
{
	unsigned int year = date / 10000, month = date / 100 % 100;
	if (month < 1 || month > 12 || date % 100 < 1 || date % 100 > 31)
		return 0;
	if (year == 2019 && month == 4)
		month = 3;
	while (month > 0 && !stable_tag(year, month))
		month--;
	return month ? stable_tag(year, month) : stable_tag(year - 1, 11);
}

/* PcdFirmwareVersionString as Debian and Ubuntu set it ("2025.02-8+deb13u1"), as QEMU
 * does for the images that come with it ("edk2-stable202408-prebuilt.qemu.org"), as
 * Red Hat and Fedora do ("edk2-20230524-3.el9"); and the name of the directory where
 * Debian built it ("edk2-2020.11/Build"). */
unsigned int gpupt_ovmf_release_of_build(const char *version)
{
	unsigned int number, month;
	const char *p = version;
	bool named = skip(&p, "edk2-");
	if (named && skip(&p, "stable"))
		return take_number(&p, 6, &number) && ends_release(*p) ?
			       stable_tag(number / 100, number % 100) : 0;
	if (named && take_number(&p, 8, &number))
		return ends_release(*p) || *p == 'g' ? stable_tag_by(number) : 0;
	if (!take_number(&p, 4, &number) || !skip(&p, ".") || !take_number(&p, 2, &month))
		return 0;
	return ends_release(*p) ? stable_tag(number, month) : 0;
}

/* SeaBIOS's scripts/buildversion.py: "rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org"
 * from git, "1.16.2-debian-1.16.2-1" from a tar ball. */
unsigned int gpupt_seabios_release_of_build(const char *version)
{
	char name[32];
	const char *p = version;
	skip(&p, "rel-");
	size_t length = strspn(p, "0123456789.");
	if (!ends_release(p[length]) || length > 10)
		return 0;
	snprintf(name, sizeof(name), "seabios-%.*s", (int)length, p);
	return gpupt_seabios_release(name);
}
