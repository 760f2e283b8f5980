/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The seam between the kernel's C (glue.c) and the core's C++ (kcov.cpp). Neither
 * side includes the other's headers: this one holds plain C declarations only.
 */
#ifndef KCOV_GLUE_H
#define KCOV_GLUE_H

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#include "core/task_state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Asked of the kernel by the core: see core/port.hpp for what each promises. */
void *kcov_glue_allocate(size_t bytes);
void kcov_glue_release(void *memory);
uint64_t *kcov_glue_allocate_area(size_t bytes);
void kcov_glue_release_area(uint64_t *area);
void kcov_glue_lock_init(void *lock, bool remote);
unsigned long kcov_glue_lock(void *lock);
void kcov_glue_unlock(void *lock, unsigned long flags);
bool kcov_glue_copy_from_user(void *destination, uintptr_t source, size_t bytes);
bool kcov_glue_copy_to_user(uintptr_t destination, const void *source, size_t bytes);
void kcov_glue_warn(const char *text);
void kcov_glue_lock_calls(void);
void kcov_glue_unlock_calls(void);
bool kcov_glue_patch_calls(bool made);
void kcov_glue_sleep_later(void);

/* Asked of the core by the kernel. Results are 0 or a negative errno. */
void *kcov_core_open(void);
void kcov_core_close(void *descriptor);
int kcov_core_control(void *descriptor, uint32_t command, uintptr_t argument);
int kcov_core_map(void *descriptor, uint64_t offset, size_t length, uint64_t **area);
void kcov_core_task_init(struct kcov_task_state *task, uint64_t inherited_handle);
void kcov_core_task_exit(struct kcov_task_state *task);
int kcov_core_create(unsigned int soft_areas, uint64_t soft_words);
void kcov_core_section_start(uint64_t handle);
void kcov_core_section_stop(void);
uint64_t kcov_core_common_handle(void);
/* What a record's PC is less than the address it stands for (KASLR). */
uint64_t kcov_core_image_offset(void);
/* Dormancy: unmakes the calls unless somebody traces; whether they are made; by how many. */
void kcov_core_sleep(void);
bool kcov_core_is_awake(void);
unsigned int kcov_core_tracers(void);

/* Between glue.c and sites.c. */
void kcov_create_site_files(void);
void kcov_sleep_now(void);

#ifdef __cplusplus
}
#endif
#endif
