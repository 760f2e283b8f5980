/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What bench/dormant measures of zlib: a text is compressed and inflated again. */
#include <string.h>

#include "zlib.h"

unsigned long parse(const char *text, size_t size);
unsigned long parse(const char *text, size_t size)
{
	static unsigned char packed[1 << 17], unpacked[1 << 17];
	uLongf packed_size = sizeof packed, unpacked_size = sizeof unpacked;

	if (compress(packed, &packed_size, (const Bytef *)text, size) != Z_OK ||
	    uncompress(unpacked, &unpacked_size, packed, packed_size) != Z_OK)
		return 0;
	return memcmp(text, unpacked, size) == 0 ? packed_size : 0;
}
