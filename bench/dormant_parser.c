/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What bench/dormant measures: a parser of JSON, which is branches and little else. */
#include <stddef.h>

struct input {
	const char *at;
	const char *end;
	unsigned long sum;
};

static int value(struct input *in, int depth);

static void space(struct input *in)
{
	while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\t'))
		in->at++;
}

static int string(struct input *in)
{
	unsigned long hash = 5381;

	for (in->at++; in->at < in->end; in->at++) {
		if (*in->at == '"') {
			in->at++;
			in->sum += hash;
			return 1;
		}
		if (*in->at == '\\')
			in->at++;
		hash = hash * 33 + (unsigned char)*in->at;
	}
	return 0;
}

static int number(struct input *in)
{
	unsigned long digits = 0;

	if (*in->at == '-')
		in->at++;
	for (; in->at < in->end; in->at++) {
		if (*in->at >= '0' && *in->at <= '9')
			digits = digits * 10 + (unsigned long)(*in->at - '0');
		else if (*in->at == '.' || *in->at == 'e' || *in->at == '+' || *in->at == '-')
			digits ^= digits >> 7;
		else
			break;
	}
	in->sum += digits;
	return 1;
}

static int word(struct input *in, const char *text)
{
	for (; *text; text++, in->at++)
		if (in->at == in->end || *in->at != *text)
			return 0;
	return 1;
}

static int list(struct input *in, int depth, char last, int named)
{
	in->at++;
	space(in);
	if (in->at < in->end && *in->at == last) {
		in->at++;
		return 1;
	}
	while (in->at < in->end) {
		space(in);
		if (named) {
			if (in->at == in->end || *in->at != '"' || !string(in))
				return 0;
			space(in);
			if (in->at == in->end || *in->at++ != ':')
				return 0;
		}
		if (!value(in, depth + 1))
			return 0;
		space(in);
		if (in->at == in->end)
			return 0;
		if (*in->at == last) {
			in->at++;
			return 1;
		}
		if (*in->at++ != ',')
			return 0;
	}
	return 0;
}

static int value(struct input *in, int depth)
{
	space(in);
	if (in->at == in->end || depth > 64)
		return 0;
	switch (*in->at) {
	case '{': return list(in, depth, '}', 1);
	case '[': return list(in, depth, ']', 0);
	case '"': return string(in);
	case 't': return word(in, "true");
	case 'f': return word(in, "false");
	case 'n': return word(in, "null");
	default: return number(in);
	}
}

unsigned long parse(const char *text, size_t size);
unsigned long parse(const char *text, size_t size)
{
	struct input in = {text, text + size, 0};

	return value(&in, 0) ? in.sum : 0;
}
