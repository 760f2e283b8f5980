# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Which objects are traced, for a program that is built by make, chosen as kbuild
# has it (contract 38, 39). Include it, and put $(kcov_flags) into the rules:
#
#   include .../cmake/kcov.mk
#   # Checksums: the same blocks for any input.
#   KCOV_INSTRUMENT_crc32.o := n
#   # Hand-written assembly.
#   KCOV_INSTRUMENT_contrib/ := n
#   %.o: %.c
#   	$(CC) $(CFLAGS) $(kcov_flags) -c $< -o $@
#
# An object is asked for under its target's whole name, its name alone, then each of
# its directories with a slash, the innermost first, then KCOV_INSTRUMENT for all of
# the makefile; the first that is set decides, n or y, and y is what none means. Keep
# the reason beside each n.
#
# With KCOV_ENABLE_COMPARISONS := y, set before this is included, comparisons and switches
# call back too (KCOV_TRACE_CMP); they cost as much again.
#
# With KCOV_KEEP_REGISTERS := .../kcov_registers.so a plugin tells gcc that a callback changes next to
# no register, so that code is as fast as without them while nobody traces. Only for what calls
# libkcov's callbacks: others change registers, and the code would go wrong.
#
# kcov_flags is expanded in the recipe (it asks what $@ is): in a variable of your
# own, use it with = or +=, never with :=. A compiler that cannot do it gets one
# warning, and everything is built without.

kcov_comma := ,
KCOV_INSTRUMENT_FLAG := -fsanitize-coverage=trace-pc$(if $(filter y,$(KCOV_ENABLE_COMPARISONS)),$(kcov_comma)trace-cmp)
KCOV_LEAVE_OUT_FLAG := -fno-sanitize-coverage=trace-pc,trace-cmp

KCOV_CAN_INSTRUMENT := $(shell $(CC) $(KCOV_INSTRUMENT_FLAG) -x c -c /dev/null -o /dev/null \
                               >/dev/null 2>&1 && echo y)
ifneq ($(KCOV_CAN_INSTRUMENT),y)
$(warning kcov: $(CC) does not know $(KCOV_INSTRUMENT_FLAG): built without coverage)
endif

ifneq ($(KCOV_KEEP_REGISTERS),)
kcov_plugin := -fplugin=$(KCOV_KEEP_REGISTERS)
ifneq ($(shell $(CC) $(kcov_plugin) -x c -c /dev/null -o /dev/null >/dev/null 2>&1 && echo y),y)
$(warning kcov: $(CC) does not load $(KCOV_KEEP_REGISTERS): built without it)
kcov_plugin :=
endif
endif

# a/b/x.o -> a/b/ a/
kcov_directories = $(if $(filter-out ./ /,$(dir $(1))),$(dir $(1)) \
                     $(call kcov_directories,$(patsubst %/,%,$(dir $(1)))))
# The values of the variables that say something of the object $(1), in their order.
kcov_answers = $(foreach name,$(1) $(notdir $(1)) $(call kcov_directories,$(1)),\
                 $(KCOV_INSTRUMENT_$(name))) $(KCOV_INSTRUMENT) y
kcov_wanted = $(filter y,$(firstword $(call kcov_answers,$(patsubst ./%,%,$(1)))))
kcov_flags = $(if $(KCOV_CAN_INSTRUMENT),$(if $(call kcov_wanted,$@),\
               $(KCOV_INSTRUMENT_FLAG) $(kcov_plugin),$(KCOV_LEAVE_OUT_FLAG)))
