# SPDX-License-Identifier: Apache-2.0
# Libraries, each found through pkg-config, each missing one named with the Debian package that has it.
find_package(PkgConfig REQUIRED)

function(certrotate_need target module package)
        pkg_check_modules(${target} QUIET IMPORTED_TARGET "${module}")
        if(NOT ${target}_FOUND)
                message(FATAL_ERROR "certrotate needs '${module}': install the Debian package ${package} "
                                    "(or its equivalent) and configure again")
        endif()
endfunction()

macro(certrotate_find target module package)
        certrotate_need(${target} "${module}" ${package})
        pkg_check_modules(${target} QUIET IMPORTED_TARGET "${module}")
endmacro()

certrotate_find(OPENSSL "openssl >= 3.0" libssl-dev)
certrotate_find(CURL "libcurl >= 7.88" libcurl4-openssl-dev)
certrotate_find(EVENT "libevent_core >= 2.1.12" libevent-dev)
certrotate_find(EVENT_EXTRA "libevent_extra >= 2.1.12" libevent-dev)
certrotate_find(EVENT_OPENSSL "libevent_openssl >= 2.1.12" libevent-dev)
certrotate_find(CJSON "libcjson >= 1.7.15" libcjson-dev)
certrotate_find(YAML "yaml-0.1 >= 0.2.5" libyaml-dev)
certrotate_find(MARIADB "libmariadb >= 3.3" libmariadb-dev)

# libinotifytools has no .pc file.
find_library(INOTIFYTOOLS_LIBRARY inotifytools)
find_path(INOTIFYTOOLS_INCLUDE inotifytools/inotifytools.h)
if(NOT INOTIFYTOOLS_LIBRARY OR NOT INOTIFYTOOLS_INCLUDE)
        message(FATAL_ERROR "certrotate needs libinotifytools: install the Debian package libinotifytools0-dev "
                            "(or its equivalent) and configure again")
endif()
add_library(inotifytools INTERFACE)
target_link_libraries(inotifytools INTERFACE ${INOTIFYTOOLS_LIBRARY})
target_include_directories(inotifytools INTERFACE ${INOTIFYTOOLS_INCLUDE})

# Neither has FreeTDS' db-lib; the library itself is loaded when an agent first needs it.
find_path(SYBDB_INCLUDE sybdb.h PATH_SUFFIXES freetds)
if(NOT SYBDB_INCLUDE)
        message(FATAL_ERROR "certrotate needs 'sybdb.h': install the Debian package freetds-dev "
                            "(or its equivalent) and configure again")
endif()
add_library(sybdb_headers INTERFACE)
target_include_directories(sybdb_headers INTERFACE ${SYBDB_INCLUDE})

if(CERTROTATE_TESTS)
        certrotate_find(CMOCKA "cmocka >= 1.1.5" libcmocka-dev)
endif()

# evhttp before this revision lets a hostile peer smuggle headers (CVE-2026-63379 and its siblings).
execute_process(COMMAND dpkg-query -W -f "\${Version}" libevent-core-2.1-7
                OUTPUT_VARIABLE LIBEVENT_DEBIAN ERROR_QUIET RESULT_VARIABLE LIBEVENT_DPKG)
if(LIBEVENT_DPKG EQUAL 0 AND LIBEVENT_DEBIAN VERSION_EQUAL "2.1.12" AND NOT LIBEVENT_DEBIAN MATCHES "deb12u")
        message(WARNING "libevent ${LIBEVENT_DEBIAN} lacks the security fixes of 2.1.12-stable-8+deb12u1: "
                        "run apt-get install libevent-dev")
endif()
