# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What `cmake --install` puts where, in three parts, each a Debian package too (package/deb):
#   tool         kcovtool, its agent, what it builds kernels from, manual pages, completion
#   runtime      the shared libraries: what instrumented code runs with
#   development  headers, the library for programs, what CMake and pkg-config find them by
# Everything is found from where it lies, so what is installed may be moved as a whole.
include(CMakePackageConfigHelpers)

# Builds with sanitizers are for tests, and have no tool and no preloaded library.
if(NOT TARGET kcov_preload)
  return()
endif()

# The names under which other projects know the libraries, here and when they are installed.
# kcov_headers is not among them: it carries our own warnings.
add_library(kcov_public_headers INTERFACE)
target_include_directories(kcov_public_headers INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(kcov_public_headers PROPERTIES EXPORT_NAME headers)
add_library(Kcov::headers ALIAS kcov_public_headers)
foreach(library IN ITEMS host callbacks preload)
  set_target_properties(kcov_${library} PROPERTIES EXPORT_NAME ${library})
  add_library(Kcov::${library} ALIAS kcov_${library})
endforeach()

set(data ${CMAKE_INSTALL_DATADIR}/kcov)
set(documents ${CMAKE_INSTALL_DATADIR}/doc)
set(config ${CMAKE_INSTALL_LIBDIR}/cmake/Kcov)
set(made ${PROJECT_BINARY_DIR}/package)
# zsh's own directory; Debian's packages have another (package/deb/finish.cmake).
set(zsh_functions ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)

# The tool.
install(TARGETS kcovtool COMPONENT tool)
install(TARGETS kcov-agent DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/kcov COMPONENT tool)
# What `lab build` puts into a kernel tree.
install(DIRECTORY core DESTINATION ${data} COMPONENT tool)
install(DIRECTORY port/linux port/x86_64 DESTINATION ${data}/port COMPONENT tool)
install(DIRECTORY lab/config DESTINATION ${data}/lab COMPONENT tool)
install(FILES include/kcov/uapi.h DESTINATION ${data}/include/kcov COMPONENT tool)
file(GLOB pages CONFIGURE_DEPENDS man/*.1)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tool)
foreach(shell IN ITEMS bash zsh)
  configure_file(package/completion/kcovtool.${shell}.in ${made}/kcovtool.${shell} @ONLY)
endforeach()
install(FILES ${made}/kcovtool.bash RENAME kcovtool COMPONENT tool
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${made}/kcovtool.zsh RENAME _kcovtool COMPONENT tool DESTINATION ${zsh_functions})
install(FILES README.md DESTINATION ${documents}/kcovtool COMPONENT tool)
file(GLOB texts CONFIGURE_DEPENDS docs/*.md)
install(FILES ${texts} DESTINATION ${documents}/kcovtool/docs COMPONENT tool)

# The libraries.
install(TARGETS kcov_callbacks kcov_preload EXPORT KcovTargets
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS kcov_host kcov_public_headers EXPORT KcovTargets
  ARCHIVE COMPONENT development)
install(DIRECTORY include/kcov DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(FILES man/kcov.4 DESTINATION ${CMAKE_INSTALL_MANDIR}/man4 COMPONENT development)
install(FILES examples/first.c examples/first.cpp
  DESTINATION ${documents}/libkcov-dev/examples COMPONENT development)
install(DIRECTORY examples/host_first DESTINATION ${documents}/libkcov-dev/examples
  COMPONENT development FILES_MATCHING PATTERN *.c PATTERN *.h)

# What finds them: CMake.
install(EXPORT KcovTargets NAMESPACE Kcov:: DESTINATION ${config} COMPONENT development)
configure_package_config_file(package/KcovConfig.cmake.in ${made}/KcovConfig.cmake
  INSTALL_DESTINATION ${config} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${made}/KcovConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${made}/KcovConfig.cmake ${made}/KcovConfigVersion.cmake cmake/Kcov.cmake
  DESTINATION ${config} COMPONENT development)
# The plugin for gcc, where there is one.
set(KCOV_KEEP_REGISTERS_FLAG "")
if(TARGET kcov_registers)
  install(TARGETS kcov_registers LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/kcov
    COMPONENT development)
  set(KCOV_KEEP_REGISTERS_FLAG "-fplugin=\${libdir}/kcov/kcov_registers.so")
endif()
# make, with which instrumented objects are chosen by a file to include.
install(FILES cmake/kcov.mk DESTINATION ${data} COMPONENT development)
# pkg-config.
set(described ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH KCOV_LIBRARIES ${described} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH KCOV_INCLUDE ${described} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(name IN ITEMS kcov kcov-host kcov-callbacks)
  configure_file(package/${name}.pc.in ${made}/${name}.pc @ONLY)
  install(FILES ${made}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)
endforeach()

# Each part with its licence: the parts may be installed apart.
foreach(part IN ITEMS tool:kcovtool runtime:libkcov0 development:libkcov-dev)
  string(REPLACE ":" ";" part ${part})
  list(GET part 0 component)
  list(GET part 1 package)
  install(FILES LICENSE DESTINATION ${documents}/${package} RENAME copyright
    COMPONENT ${component})
endforeach()

include(${PROJECT_SOURCE_DIR}/package/deb/packages.cmake)
