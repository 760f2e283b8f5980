/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What bench/dormant measures of expat: 64 KiB of XML is parsed, and its elements and attributes counted. */
#include <string.h>

#include "expat.h"

static unsigned long seen;

static void XMLCALL started(void *data, const XML_Char *name, const XML_Char **attributes)
{
	(void)data;
	seen += strlen(name);
	for (; *attributes; attributes += 2)
		seen += strlen(attributes[1]);
}

static void XMLCALL ended(void *data, const XML_Char *name)
{
	(void)data;
	seen ^= (unsigned char)*name;
}

static void XMLCALL text_of(void *data, const XML_Char *text, int length)
{
	(void)data;
	seen += (unsigned char)*text + (unsigned long)length;
}

static int document(char *xml, int size)
{
	static const char item[] = "<item name=\"kcov\" kind='a &lt; b'>\n  <list>1, 22, -333.5e7</list>\n"
				   "  <!-- why --><deep><deep><empty/></deep></deep> &amp; more\n</item>\n";
	int length = 0;

	memcpy(xml, "<?xml version=\"1.0\"?>\n<all>\n", 28);
	for (length = 28; length + (int)sizeof item + 6 < size; length += (int)sizeof item - 1)
		memcpy(xml + length, item, sizeof item - 1);
	memcpy(xml + length, "</all>", 6);
	return length + 6;
}

/* The text that it is given is JSON: expat gets a document of its own of that size. */
unsigned long parse(const char *text, size_t size);
unsigned long parse(const char *text, size_t size)
{
	static char xml[1 << 16];
	static int length;
	XML_Parser parser = XML_ParserCreate(NULL);
	enum XML_Status status;

	(void)text;
	(void)size;
	if (length == 0)
		length = document(xml, sizeof xml);
	seen = 0;
	XML_SetHashSalt(parser, 1); /* else it is another one in each run */
	XML_SetElementHandler(parser, started, ended);
	XML_SetCharacterDataHandler(parser, text_of);
	status = XML_Parse(parser, xml, length, 1);
	XML_ParserFree(parser);
	return status == XML_STATUS_OK ? seen : 0;
}
