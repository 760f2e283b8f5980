# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Run by cpack between installing and packing: what Debian's policy wants that other systems
# have otherwise. Each part is below CPACK_TEMPORARY_DIRECTORY, in a folder of its name.
cmake_minimum_required(VERSION 3.25)
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(here ${CMAKE_CURRENT_LIST_DIR})
# The time of the build, or what SOURCE_DATE_EPOCH says.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(usr ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(share ${usr}/share)

  file(WRITE ${share}/doc/${package}/changelog
    "kcov (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
    "  * Version ${CPACK_PACKAGE_VERSION}.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  file(GLOB pages ${share}/man/man*/*.[1-9])
  foreach(text IN LISTS pages ITEMS ${share}/doc/${package}/changelog)
    file(CHMOD ${text} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    run(gzip -9n ${text})
  endforeach()

  # Where Debian's zsh looks for the functions of packages.
  if(EXISTS ${share}/zsh/site-functions)
    file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)
  endif()
  # What lintian finds and is meant so, with the reason.
  if(EXISTS ${here}/${package}.lintian)
    file(COPY_FILE ${here}/${package}.lintian ${share}/${package}.lintian)
    file(MAKE_DIRECTORY ${share}/lintian/overrides)
    file(RENAME ${share}/${package}.lintian ${share}/lintian/overrides/${package})
  endif()
  # cpack strips programs, though not of everything, and no archives.
  file(GLOB_RECURSE binaries ${usr}/bin/* ${usr}/libexec/* ${usr}/lib/*.so*)
  foreach(binary IN LISTS binaries)
    if(NOT IS_SYMLINK ${binary})
      run(strip --remove-section=.comment --remove-section=.note ${binary})
    endif()
  endforeach()
  file(GLOB_RECURSE archives ${usr}/lib/*.a)
  foreach(archive IN LISTS archives)
    run(strip --strip-debug --remove-section=.comment --enable-deterministic-archives ${archive})
  endforeach()
endforeach()
