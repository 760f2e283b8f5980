# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Debian packages of what is built: `cpack -G DEB` in the build directory (or, with the build
# before it, `cmake --build build --target package`). One for each part of cmake/KcovInstall.cmake.
#   kcovtool     the tool; depends on what the linker says, recommends what `lab build` takes
#   libkcov0     the shared libraries
#   libkcov-dev  everything to build with
# Configured with CMAKE_INSTALL_PREFIX=/usr, the libraries go where Debian has several
# architectures beside each other; else below /usr/lib.
set(CPACK_PACKAGE_NAME kcov)
set(CPACK_PACKAGE_VENDOR kcov)
# A line of its own for each package, and none in common before it.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/package/deb/maintainer.cmake)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Directories as Debian wants them, whatever the mask of whoever builds.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/package/deb/finish.cmake)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL tool runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_TOOL_PACKAGE_NAME kcovtool)
set(CPACK_DEBIAN_TOOL_DESCRIPTION "kernel code coverage of a command, on a real kernel
kcovtool runs a command and shows which kernel functions and lines each of
its system calls executed: on user-mode Linux, which needs neither root nor
virtualisation, on an emulated x86_64 machine, or on the running kernel.

The kernels are built once, from Debian's kernel source, by kcovtool lab
build.")
# As scripts/setup.sh has them, for kernels; the compiler among them.
set(CPACK_DEBIAN_TOOL_PACKAGE_RECOMMENDS
  "g++, make, linux-source-6.12, xz-utils, bzip2, flex, bison, bc, perl, libelf-dev, gcc-12-plugin-dev")
set(CPACK_DEBIAN_TOOL_PACKAGE_SUGGESTS "qemu-system-x86, ccache, lcov, libkcov-dev")

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libkcov0)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
# cpack would know neither that one of the two libraries is never linked with, nor ldconfig's trigger.
configure_file(package/deb/shlibs.in ${PROJECT_BINARY_DIR}/package/shlibs @ONLY)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/package/shlibs ${PROJECT_SOURCE_DIR}/package/deb/triggers)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "code coverage of a process by a kcov of its own
libkcov_preload.so gives unmodified clients of the kernel's kcov one of
their own process, in which instrumented libraries take the kernel's place.
libkcov_callbacks.so is what such libraries are linked with.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libkcov-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libkcov0 (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS kcovtool)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "code coverage by kcov, headers and library
Headers for clients of a kernel's kcov, in C and C++20; a library that gives
any program a kcov of its own, for coverage of its own code by thread; a
plugin for gcc, which makes instrumented code cheaper; and the files by which
CMake, pkg-config and make find them.")
include(CPack)
