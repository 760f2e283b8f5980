# SPDX-License-Identifier: GPL-2.0-only OR MIT
# One target that carries the warnings, and the sanitizers when they are asked for.
add_library(kcov_warnings INTERFACE)
target_compile_options(kcov_warnings INTERFACE -Wall -Wextra -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wshadow -Wnon-virtual-dtor>)

if(KCOV_SANITIZE_ADDRESS)
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(KCOV_SANITIZE_THREAD)
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
endif()
if(sanitize)
  # -g1: lines for their reports, and no more.
  target_compile_options(kcov_warnings INTERFACE ${sanitize} -g1)
  target_link_options(kcov_warnings INTERFACE ${sanitize})
endif()
