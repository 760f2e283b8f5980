# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Read by cpack: the maintainer is whoever builds the packages, by the variables that Debian's own
# tools ask (debuild(1)).
if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "kcov authors <kcov@localhost>")
  if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
    set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
  endif()
endif()
