# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Which code is traced, chosen as kbuild has it: for a target, less single files,
# less whole folders, and each exception with its reason (contract 38, 39).
#
#   include(Kcov)
#   kcov_instrument(zlib
#     EXCLUDE_FILES crc32.c adler32.c  REASON "checksums: the same blocks for any input"
#     EXCLUDE_DIRECTORIES contrib/asm  REASON "hand-written assembly")
#   target_link_libraries(fuzz_zlib zlib kcov_host)
#
# Names are relative to the target's source directory. An exception that matches no
# source of the target is an error: after a rename it would be forgotten in silence.
# Sources that are added to the target later count as not excluded. A file that is
# left out is left out of every target of the target's directory.
#
# With KCOV_ENABLE_COMPARISONS set to ON, comparisons and switches call back too
# (KCOV_TRACE_CMP), whoever traces them or not; they cost as much again.
#
# With KCOV_KEEP_REGISTERS set to ON a plugin tells gcc that a callback changes next to no register,
# so that code is as fast as without them while nobody traces (docs/dormancy.md). Only for what calls
# libkcov's callbacks: others change registers, and the code would go wrong. Needs the plugin, whose
# path KCOV_REGISTERS_PLUGIN is, and gcc; where one is missing there is a warning, and code without.
#
# A compiler that cannot do it gets a warning, and the target is built without. The
# target's property KCOV_EXCLUDED lists "name: reason", KCOV_INSTRUMENTED says ON or
# OFF.
include(CheckCCompilerFlag)
include(CheckCXXCompilerFlag)

# Cached, because the functions are called from directories that did not include this.
option(KCOV_ENABLE_COMPARISONS "Instrument comparisons too, for KCOV_TRACE_CMP" OFF)
if(KCOV_ENABLE_COMPARISONS)
  set(KCOV_INSTRUMENT_FLAG "-fsanitize-coverage=trace-pc,trace-cmp" CACHE INTERNAL "")
  set(KCOV_COMPILES COMPILES_TRACE_PC_CMP CACHE INTERNAL "")
else()
  set(KCOV_INSTRUMENT_FLAG "-fsanitize-coverage=trace-pc" CACHE INTERNAL "")
  set(KCOV_COMPILES COMPILES_TRACE_PC CACHE INTERNAL "")
endif()
# Every kind that gcc knows: an exception holds against flags of the whole build too.
set(KCOV_LEAVE_OUT_FLAG "-fno-sanitize-coverage=trace-pc,trace-cmp" CACHE INTERNAL "")

option(KCOV_KEEP_REGISTERS "Compile what is instrumented with the plugin for gcc" OFF)

# The plugin's flag for `target`, where it can be.
function(_kcov_keep_registers target)
  if(NOT KCOV_KEEP_REGISTERS)
    return()
  endif()
  if(NOT KCOV_REGISTERS_PLUGIN)
    message(WARNING "kcov: there is no plugin for gcc here: ${target} is built without it")
    return()
  endif()
  set(flag -fplugin=${KCOV_REGISTERS_PLUGIN})
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  foreach(language IN ITEMS C CXX)
    if(NOT language IN_LIST languages)
      continue()
    endif()
    set(possible ON)
    if(NOT CMAKE_${language}_COMPILER_ID STREQUAL GNU)
      set(possible OFF)
    elseif(TARGET kcov_registers)
      # It is yet to be built, and for this compiler.
      add_dependencies(${target} kcov_registers)
    elseif(language STREQUAL C)
      check_c_compiler_flag("${flag}" KCOV_C_LOADS_PLUGIN)
      set(possible ${KCOV_C_LOADS_PLUGIN})
    else()
      check_cxx_compiler_flag("${flag}" KCOV_CXX_LOADS_PLUGIN)
      set(possible ${KCOV_CXX_LOADS_PLUGIN})
    endif()
    if(possible)
      target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:${language}>:${flag}>")
    else()
      message(WARNING "kcov: the compiler of ${language} does not load ${KCOV_REGISTERS_PLUGIN}: "
        "${target} is built without it")
    endif()
  endforeach()
endfunction()

# Sets `result` to ON when each enabled language's compiler can instrument.
function(_kcov_can_instrument result)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  # Compiled, not linked: an instrumented program needs the callback.
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(${result} ON PARENT_SCOPE)
  if("C" IN_LIST languages)
    check_c_compiler_flag(${KCOV_INSTRUMENT_FLAG} KCOV_C_${KCOV_COMPILES})
    if(NOT KCOV_C_${KCOV_COMPILES})
      set(${result} OFF PARENT_SCOPE)
    endif()
  endif()
  if("CXX" IN_LIST languages)
    check_cxx_compiler_flag(${KCOV_INSTRUMENT_FLAG} KCOV_CXX_${KCOV_COMPILES})
    if(NOT KCOV_CXX_${KCOV_COMPILES})
      set(${result} OFF PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Leaves `names` (files or directories, as `kind` says) of `target` out.
function(_kcov_leave_out target kind reason names)
  if(NOT names)
    message(FATAL_ERROR "kcov_instrument(${target}): ${kind} without a name")
  endif()
  if(reason STREQUAL "")
    message(FATAL_ERROR "kcov_instrument(${target}): ${kind} ${names} without a REASON. "
      "Say why this code should not be traced, for whoever wonders later.")
  endif()
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  foreach(name IN LISTS names)
    cmake_path(ABSOLUTE_PATH name BASE_DIRECTORY ${folder} NORMALIZE OUTPUT_VARIABLE wanted)
    # A trailing slash is how one writes a directory, and no part of its name.
    string(REGEX REPLACE "/+$" "" wanted "${wanted}")
    set(matches)
    foreach(source IN LISTS sources)
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder} NORMALIZE OUTPUT_VARIABLE path)
      if(kind STREQUAL "EXCLUDE_FILES")
        set(inside OFF)
        if(path STREQUAL wanted)
          set(inside ON)
        endif()
      else()
        cmake_path(IS_PREFIX wanted "${path}" NORMALIZE inside)
      endif()
      if(inside)
        list(APPEND matches "${path}")
      endif()
    endforeach()
    if(NOT matches)
      message(FATAL_ERROR "kcov_instrument(${target}): ${kind} ${name} is no source of the target")
    endif()
    # The target's flags come first, a file's own after them.
    set_property(SOURCE ${matches} TARGET_DIRECTORY ${target}
      APPEND PROPERTY COMPILE_OPTIONS ${KCOV_LEAVE_OUT_FLAG})
    string(REPLACE ";" "\\;" note "${name}: ${reason}")
    set_property(TARGET ${target} APPEND PROPERTY KCOV_EXCLUDED "${note}")
  endforeach()
endfunction()

function(kcov_instrument target)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "kcov_instrument: there is no target ${target}")
  endif()
  _kcov_can_instrument(possible)
  # What is traced is looked up by its files' names.
  set_target_properties(${target} PROPERTIES KCOV_INSTRUMENTED ${possible} UNITY_BUILD OFF)
  if(possible)
    target_compile_options(${target} PRIVATE ${KCOV_INSTRUMENT_FLAG})
    _kcov_keep_registers(${target})
  else()
    message(WARNING "kcov: the compiler does not know ${KCOV_INSTRUMENT_FLAG}: "
      "${target} is built without coverage")
    set(KCOV_LEAVE_OUT_FLAG "")
  endif()

  # [EXCLUDE_FILES name... REASON text | EXCLUDE_DIRECTORIES name... REASON text]...
  set(kind "")
  set(names)
  set(expect "")
  # By number, not as a list: a reason may have a semicolon or be empty.
  math(EXPR last "${ARGC} - 1")
  foreach(number RANGE 1 ${last})
    if(number GREATER last)
      break()  # no argument after the target: RANGE counts down
    endif()
    set(word "${ARGV${number}}")
    if(expect STREQUAL "reason")
      _kcov_leave_out(${target} "${kind}" "${word}" "${names}")
      set(kind "")
      set(names)
      set(expect "")
    elseif(word STREQUAL "REASON" AND kind)
      set(expect "reason")
    elseif(word STREQUAL "EXCLUDE_FILES" OR word STREQUAL "EXCLUDE_DIRECTORIES")
      if(kind)
        _kcov_leave_out(${target} "${kind}" "" "${names}")
      endif()
      set(kind "${word}")
    elseif(kind)
      list(APPEND names "${word}")
    else()
      message(FATAL_ERROR "kcov_instrument(${target}): unexpected ${word}")
    endif()
  endforeach()
  if(kind)
    _kcov_leave_out(${target} "${kind}" "" "${names}")
  endif()
endfunction()

# For the tracer itself: never instrumented, even when the whole build is.
function(kcov_never_instrument target)
  _kcov_can_instrument(possible)
  if(possible)
    target_compile_options(${target} PRIVATE ${KCOV_LEAVE_OUT_FLAG})
  endif()
endfunction()
